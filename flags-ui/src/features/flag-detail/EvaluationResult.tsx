import type { Evaluation } from '../../api/types';
import { formatJson } from '../../shared/json/format';

type Props = { result: Evaluation | undefined; error: Error | null };

export function EvaluationResult({ result, error }: Props) {
  if (error) return <p className="result-error">{error.message}</p>;
  if (!result) return null;
  if ('errorCode' in result) {
    return (
      <p className="result-error">
        <code>{result.errorCode}</code> {result.errorDetails}
      </p>
    );
  }
  return (
    <dl className="result" aria-label="Result">
      <dt>Value</dt>
      <dd>
        <code className="result-value">{result.value === undefined ? 'the default in code' : formatJson(result.value)}</code>
      </dd>
      <dt>Variant</dt>
      <dd>{result.variant ?? 'none'}</dd>
      <dt>Reason</dt>
      <dd>
        <code>{result.reason}</code>
      </dd>
    </dl>
  );
}
