import { Button, Group, Text, Title } from '@mantine/core';
import { IconPlayerPlay } from '@tabler/icons-react';
import { useState } from 'react';
import { useEvaluate } from '../../api/evaluate';
import type { Environment } from '../../api/types';
import { environmentTitle } from '../../shared/domain/environments';
import { JsonEditor } from '../../shared/editor/JsonEditor';
import { lineAt } from '../../shared/json/locate';
import { scan } from '../../shared/json/scan';
import { EvaluationResult } from './EvaluationResult';
import { testContext } from './test-context';

type Props = { tenant: string; flag: string; environment: Environment; unsaved: boolean };

/** What one caller gets from the flag as it is saved. */
export function EvaluateCard({ tenant, flag, environment, unsaved }: Props) {
  const [text, setText] = useState(testContext.get);
  const evaluate = useEvaluate(tenant, environment.key, flag);
  const read = scan(text);
  const marks = read.ok ? [] : [{ line: lineAt(text, read.offset), message: read.message }];
  const run = () => {
    if (!read.ok) return;
    testContext.set(text);
    evaluate.mutate(read.value);
  };
  return (
    <section className="card card-padded">
      <Title order={2}>Evaluate</Title>
      <Text size="sm" c="dimmed">
        What a caller with this context gets in {environmentTitle(environment)}
        {unsaved && ', by the saved version'}.
      </Text>
      <JsonEditor label="Context" value={text} marks={marks} minLines={5} onChange={setText} />
      <Group justify="flex-end">
        <Button
          variant="default"
          leftSection={<IconPlayerPlay size={14} aria-hidden />}
          disabled={!read.ok}
          loading={evaluate.isPending}
          onClick={run}
        >
          Evaluate
        </Button>
      </Group>
      <div aria-live="polite">
        <EvaluationResult result={evaluate.data} error={evaluate.error} />
      </div>
    </section>
  );
}
