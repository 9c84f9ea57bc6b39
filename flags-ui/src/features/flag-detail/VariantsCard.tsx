import { Select, Table, Title } from '@mantine/core';
import type { Json } from '../../api/types';
import { flatJson } from '../../shared/json/format';

const NONE = '';

type Props = {
  variants: Record<string, Json>;
  value: string | null;
  error: string | undefined;
  onChange: (variant: string | null) => void;
};

/** The variants, and which of them is served where no rule decides. */
export function VariantsCard({ variants, value, error, onChange }: Props) {
  const names = Object.keys(variants);
  const gone = value !== null && !names.includes(value) ? [value] : [];
  const options = [
    { value: NONE, label: 'None: the default in code' },
    ...[...names, ...gone].map((name) => ({ value: `=${name}`, label: name })),
  ];
  return (
    <section className="card card-padded">
      <Title order={2} id="variants-title">
        Variants
      </Title>
      <Select
        label="Default variant"
        description="Served where no rule decides"
        data={options}
        value={value === null ? NONE : `=${value}`}
        error={error ?? (gone.length > 0 && 'No variant has this name')}
        onChange={(next) => onChange(next ? next.slice(1) : null)}
      />
      <Table className="variants" aria-labelledby="variants-title" layout="fixed">
        <Table.Thead>
          <Table.Tr>
            <Table.Th w="40%">Name</Table.Th>
            <Table.Th>Value</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {names.map((name) => (
            <Table.Tr key={name}>
              <Table.Td className="break">{name}</Table.Td>
              <Table.Td>
                <code className="variant-value">{flatJson(variants[name] ?? null)}</code>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  );
}
