import { Skeleton, Stack } from '@mantine/core';

const ROWS = [1, 2, 3, 4, 5, 6, 7, 8];

export function PageSkeleton() {
  return (
    <Stack gap="sm" p="lg" aria-busy>
      <h1 className="sr-only">Loading</h1>
      <Skeleton h={28} w={160} />
      <Skeleton h={36} w={320} maw="100%" />
      <div className="card">
        {ROWS.map((row) => (
          <div key={row} className="skeleton-row">
            <Skeleton h={12} w={`${30 + ((row * 7) % 20)}%`} />
            <Skeleton h={20} w={36} radius="xl" />
          </div>
        ))}
      </div>
    </Stack>
  );
}
