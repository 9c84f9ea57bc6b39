import { memo } from 'react';
import { tokens } from '../json/tokens';

/** A message for a line, counted from 1. */
export type LineMark = { line: number; message: string };

/** Beyond this many characters, text stays plain: colours are not worth a slow keystroke. */
const MAX_COLOURED = 60_000;

/** The coloured copy under a text area. Assistive technology reads the text area. */
export function HighlightedText({ text, marks }: { text: string; marks: readonly LineMark[] }) {
  const lines = text.split('\n');
  const coloured = text.length <= MAX_COLOURED;
  return (
    <div className="json-editor-copy" aria-hidden>
      {lines.map((line, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is its number
        <Line key={at} text={line} coloured={coloured} message={messageOf(marks, at + 1)} />
      ))}
    </div>
  );
}

function messageOf(marks: readonly LineMark[], line: number) {
  const messages = marks.filter((mark) => mark.line === line).map((mark) => mark.message);
  return messages.length ? messages.join(' · ') : undefined;
}

type LineProps = { text: string; coloured: boolean; message: string | undefined };

const Line = memo(function Line({ text, coloured, message }: LineProps) {
  return (
    <div className="json-editor-line" data-mark={message ? true : undefined}>
      <code>{coloured ? <Coloured text={text} /> : text}</code>
      {message && <span className="json-editor-message">{message}</span>}
    </div>
  );
});

function Coloured({ text }: { text: string }) {
  return tokens(text).map((token, at) =>
    token.kind === 'plain' ? (
      token.text
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no identity beyond their place
      <span key={at} className={`json-${token.kind}`}>
        {token.text}
      </span>
    ),
  );
}
