import { Alert, Button, Group, Input, Modal, SegmentedControl, Stack, TagsInput, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useCreateFlag } from '../../../api/create-flag';
import { ApiError } from '../../../api/error';
import type { FlagType } from '../../../shared/domain/variants';
import { useNarrow } from '../use-narrow';
import { emptyForm, type Form, type FormErrors, placeErrors, readForm, variantsFor } from './form';
import { VariantRows } from './VariantRows';

const TYPES: { value: FlagType; label: string }[] = [
  { value: 'boolean', label: 'Boolean' },
  { value: 'string', label: 'String' },
  { value: 'number', label: 'Number' },
  { value: 'object', label: 'Object' },
];

type Props = { tenant: string; onClose: () => void };

export default function NewFlagDialog({ tenant, onClose }: Props) {
  const narrow = useNarrow();
  return (
    <Modal opened onClose={onClose} title="New flag" size="lg" fullScreen={narrow}>
      <NewFlagForm tenant={tenant} onClose={onClose} />
    </Modal>
  );
}

function NewFlagForm({ tenant, onClose }: Props) {
  const { form, set, errors, submit, busy } = useNewFlag(tenant);
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        {errors.form && (
          <Alert variant="default" className="alert-danger" role="alert">
            {errors.form}
          </Alert>
        )}
        <TextInput
          data-autofocus
          label="Key"
          description="What code asks for. It cannot be changed later."
          classNames={{ input: 'mono-input' }}
          required
          value={form.key}
          error={errors.key}
          onChange={(e) => set({ key: e.currentTarget.value })}
        />
        <TextInput label="Name" value={form.name} error={errors.name} onChange={(e) => set({ name: e.currentTarget.value })} />
        <TextInput
          label="Description"
          value={form.description}
          error={errors.description}
          onChange={(e) => set({ description: e.currentTarget.value })}
        />
        <TagsInput
          label="Tags"
          placeholder={form.tags.length ? '' : 'Type and press Enter'}
          value={form.tags}
          error={errors.tags}
          onChange={(tags) => set({ tags })}
        />
        <Input.Wrapper label="Type" labelElement="div">
          <SegmentedControl
            fullWidth
            aria-label="Type"
            data={TYPES}
            value={form.type}
            onChange={(type) => set({ type: type as FlagType, variants: variantsFor(type as FlagType) })}
          />
        </Input.Wrapper>
        <VariantRows type={form.type} rows={form.variants} errors={errors} onChange={(variants) => set({ variants })} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={busy}>
            Create flag
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function useNewFlag(tenant: string) {
  const [form, setForm] = useState<Form>(emptyForm);
  const [errors, setErrors] = useState<FormErrors>({});
  const create = useCreateFlag(tenant);
  const navigate = useNavigate();

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const read = readForm(form);
    if ('errors' in read) return setErrors(read.errors);
    setErrors({});
    create.mutate(read.flag, {
      onSuccess: () => void navigate({ to: '/t/$tenant/flags/$flag', params: { tenant, flag: read.flag.key } }),
      onError: (error) => setErrors(error instanceof ApiError ? placeErrors(error, form) : { form: String(error) }),
    });
  };
  const set = (part: Partial<Form>) => setForm((before) => ({ ...before, ...part }));
  return { form, set, errors, submit, busy: create.isPending };
}
