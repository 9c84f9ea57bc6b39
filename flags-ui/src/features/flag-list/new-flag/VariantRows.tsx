import { ActionIcon, Button, Group, Input, NativeSelect, Stack, TextInput } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import type { FlagType } from '../../../shared/domain/variants';
import { type FormErrors, rowField, type VariantRow } from './form';

type Props = { type: FlagType; rows: readonly VariantRow[]; errors: FormErrors; onChange: (rows: VariantRow[]) => void };

export function VariantRows({ type, rows, errors, onChange }: Props) {
  const set = (id: number, part: Partial<VariantRow>) => onChange(rows.map((row) => (row.id === id ? { ...row, ...part } : row)));
  const add = () =>
    onChange([...rows, { id: 1 + Math.max(-1, ...rows.map((row) => row.id)), name: '', value: type === 'boolean' ? 'true' : '' }]);
  return (
    <Input.Wrapper
      label="Variants"
      labelElement="div"
      description="The values that the flag can have, each under a name."
      error={errors.variants}
    >
      <Stack gap="xs" mt="xs">
        {rows.map((row, at) => (
          <Group key={row.id} gap="xs" wrap="nowrap" align="flex-start">
            <TextInput
              className="grow"
              aria-label={`Name of variant ${at + 1}`}
              placeholder="name"
              value={row.name}
              error={errors[rowField(at)]}
              onChange={(e) => set(row.id, { name: e.currentTarget.value })}
            />
            <ValueInput type={type} label={`Value of variant ${at + 1}`} value={row.value} onChange={(value) => set(row.id, { value })} />
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              aria-label={`Remove variant ${at + 1}`}
              disabled={rows.length === 1}
              onClick={() => onChange(rows.filter((r) => r.id !== row.id))}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </Group>
        ))}
        <Group>
          <Button variant="default" size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={add}>
            Add variant
          </Button>
        </Group>
      </Stack>
    </Input.Wrapper>
  );
}

type ValueProps = { type: FlagType; label: string; value: string; onChange: (value: string) => void };

function ValueInput({ type, label, value, onChange }: ValueProps) {
  const shared = { 'aria-label': label, className: 'grow', value };
  if (type === 'boolean') return <NativeSelect {...shared} data={['true', 'false']} onChange={(e) => onChange(e.currentTarget.value)} />;
  return (
    <TextInput
      {...shared}
      classNames={{ input: type === 'object' ? 'mono-input' : '' }}
      inputMode={type === 'number' ? 'decimal' : 'text'}
      placeholder={type === 'object' ? '{"limit": 10}' : 'value'}
      onChange={(e) => onChange(e.currentTarget.value)}
    />
  );
}
