import { Button } from '@mantine/core';
import { IconFlag3, IconPlus, IconSearch } from '@tabler/icons-react';
import { Placeholder } from '../../shared/ui/Placeholder';

export function NoFlags({ onCreate }: { onCreate: () => void }) {
  const action = (
    <Button mt="xs" leftSection={<IconPlus size={16} aria-hidden />} onClick={onCreate}>
      Create the first flag
    </Button>
  );
  return (
    <Placeholder icon={<IconFlag3 />} title="No flags yet" action={action}>
      With a flag, code can be shipped dark and turned on for a few people first. A new one is off in every environment.
    </Placeholder>
  );
}

export function NoMatch({ onClear }: { onClear: () => void }) {
  const action = (
    <Button variant="default" mt="xs" onClick={onClear}>
      Clear filters
    </Button>
  );
  return (
    <Placeholder icon={<IconSearch />} title="No flag matches" action={action}>
      Try fewer words, or look in all environments.
    </Placeholder>
  );
}
