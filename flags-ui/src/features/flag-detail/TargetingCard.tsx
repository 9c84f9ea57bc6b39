import { Button, Group, Text, Title } from '@mantine/core';
import { IconAlignLeft } from '@tabler/icons-react';
import { useId, useMemo } from 'react';
import type { FieldError, Flag } from '../../api/types';
import { JsonEditor } from '../../shared/editor/JsonEditor';
import { DiagnosticList } from './DiagnosticList';
import { diagnose, ruleProblems } from './diagnostics';
import { type Draft, editedFields, targetingOf, textOf } from './draft';

type Props = { flag: Flag; environment: string; draft: Draft; serverErrors: readonly FieldError[]; onChange: (text: string) => void };

/** The rule as JSON, with what is wrong shown at its lines. */
export function TargetingCard({ flag, environment, draft, serverErrors, onChange }: Props) {
  const list = useId();
  const diagnostics = useDiagnostics(flag, environment, draft, serverErrors);
  const marks = diagnostics.flatMap(({ line, message, warning }) => (line === undefined || warning ? [] : [{ line, message }]));
  const targeting = targetingOf(draft.text);
  return (
    <section className="card card-padded">
      <Group justify="space-between" wrap="nowrap">
        <Title order={2}>Targeting</Title>
        <Button
          variant="default"
          size="xs"
          leftSection={<IconAlignLeft size={14} aria-hidden />}
          disabled={targeting === undefined || draft.text === textOf(targeting)}
          onClick={() => onChange(textOf(targeting ?? null))}
        >
          Format
        </Button>
      </Group>
      <JsonEditor
        label="Targeting"
        value={draft.text}
        marks={marks}
        minLines={10}
        describedBy={list}
        placeholder="No rule: everyone gets the default variant. Type JSON to add one."
        onChange={onChange}
      />
      <DiagnosticList id={list} diagnostics={diagnostics} />
      {diagnostics.length === 0 && (
        <Text size="xs" c="dimmed">
          JsonLogic as in flagd: it gives the name of a variant, or null for the default.
        </Text>
      )}
    </section>
  );
}

/** An untouched rule shows its stored problems, an edited one what the server said about the last attempt. */
function useDiagnostics(flag: Flag, environment: string, draft: Draft, serverErrors: readonly FieldError[]) {
  return useMemo(() => {
    const edited = editedFields(draft).includes('targeting');
    return diagnose(draft.text, edited ? serverErrors : ruleProblems(flag, environment));
  }, [flag, environment, draft, serverErrors]);
}
