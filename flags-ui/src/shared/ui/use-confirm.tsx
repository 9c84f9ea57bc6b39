import { type ReactNode, useCallback, useState } from 'react';
import { ConfirmDialog } from './ConfirmDialog';

type Question = { title: string; confirm: string; text: string; danger?: boolean; run: () => void };

/** Asks before running something. Render `dialog` once and call `ask`. */
export function useConfirm(): { ask: (question: Question) => void; dialog: ReactNode } {
  const [question, setQuestion] = useState<Question>();
  const [opened, setOpened] = useState(false);
  const ask = useCallback((next: Question) => {
    setQuestion(next);
    setOpened(true);
  }, []);
  const dialog = question && (
    <ConfirmDialog
      opened={opened}
      title={question.title}
      confirm={question.confirm}
      danger={question.danger ?? false}
      onClose={() => setOpened(false)}
      onConfirm={() => {
        setOpened(false);
        question.run();
      }}
    >
      {question.text}
    </ConfirmDialog>
  );
  return { ask, dialog };
}
