import { type KeyboardEvent, useId, useRef } from 'react';
import { type Edit, indent, newline, outdent, replacement } from './editing';
import { HighlightedText, type LineMark } from './HighlightedText';
import './json-editor.css';

type Props = {
  label: string;
  value: string;
  onChange: (value: string) => void;
  marks?: readonly LineMark[];
  placeholder?: string;
  minLines?: number;
  /** Ids of elements that describe the field, e.g. its messages. */
  describedBy?: string;
};

/**
 * A text area for JSON with line numbers, colours and messages beside the lines they belong to. The text
 * area is the real thing, laid over a coloured copy of its text, so that it behaves as users expect.
 */
export function JsonEditor({ label, value, onChange, marks = [], placeholder, minLines = 6, describedBy }: Props) {
  const area = useRef<HTMLTextAreaElement>(null);
  const leaving = useRef(false);
  const hint = useId();

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    const change = commandFor(event, leaving.current);
    leaving.current = event.key === 'Escape' || (leaving.current && event.key === 'Shift');
    if (!change) return;
    event.preventDefault();
    const { value: text, selectionStart: start, selectionEnd: end } = event.currentTarget;
    apply(event.currentTarget, change({ text, start, end }));
  };

  return (
    <div className="json-editor" data-invalid={marks.length > 0 || undefined}>
      <div className="json-editor-sheet" style={{ minHeight: `calc(${minLines} * var(--line) + 20px)` }}>
        <HighlightedText text={value} marks={marks} />
        <textarea
          ref={area}
          aria-label={label}
          aria-invalid={marks.length > 0}
          aria-describedby={describedBy ? `${hint} ${describedBy}` : hint}
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          autoCorrect="off"
          wrap="off"
          placeholder={placeholder}
          value={value}
          onChange={(event) => onChange(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
      </div>
      <span id={hint} className="sr-only">
        JSON. Tab indents; press Escape, then Tab, to leave the editor.
      </span>
    </div>
  );
}

function commandFor(event: KeyboardEvent, leaving: boolean): ((edit: Edit) => Edit) | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey || event.nativeEvent.isComposing) return undefined;
  if (event.key === 'Tab' && !leaving) return event.shiftKey ? outdent : indent;
  if (event.key === 'Enter' && !event.shiftKey) return newline;
  return undefined;
}

/** Changes the text the way typing does, so that undo takes it back. */
function apply(area: HTMLTextAreaElement, edit: Edit) {
  const { start, end, text } = replacement(area.value, edit.text);
  area.setSelectionRange(start, end);
  const done = text === '' ? start === end || document.execCommand?.('delete') : document.execCommand?.('insertText', false, text);
  if (!done) {
    area.setRangeText(text, start, end);
    area.dispatchEvent(new Event('input', { bubbles: true }));
  }
  area.setSelectionRange(edit.start, edit.end);
}
