import { Failure } from '../shared/ui/Failure';

/** The last resort: a fault in the dashboard itself, or a page that could not be loaded. */
export const RouteFailure = ({ error, reset }: { error: unknown; reset: () => void }) => (
  <Failure error={error} what="page" onRetry={reset} />
);
