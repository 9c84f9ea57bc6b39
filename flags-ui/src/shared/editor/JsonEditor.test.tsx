import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { expect, it } from 'vitest';
import { JsonEditor } from './JsonEditor';

function Editor({ start = '' }: { start?: string }) {
  const [value, setValue] = useState(start);
  return (
    <>
      <JsonEditor label="Targeting" value={value} onChange={setValue} marks={[{ line: 1, message: 'No operator "x"' }]} />
      <button type="button">after</button>
    </>
  );
}

const area = () => screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'Targeting' });

it('indents with Tab and keeps the margin with Enter', async () => {
  render(<Editor />);
  await userEvent.type(area(), '{{');
  await userEvent.keyboard('{Enter}"a": 1{Tab}');
  expect(area().value).toBe('{\n  "a": 1  ');
});

it('lets the keyboard out after Escape', async () => {
  render(<Editor start="1" />);
  await userEvent.click(area());
  await userEvent.keyboard('{Escape}');
  await userEvent.tab();
  expect(screen.getByRole('button', { name: 'after' })).toHaveFocus();
  expect(area().value).toBe('1');
});

it('shows a message beside its line and marks the field as invalid', () => {
  render(<Editor start={'{"x": 1}\n'} />);
  expect(area()).toBeInvalid();
  expect(screen.getByText('No operator "x"').parentElement).toHaveTextContent('{"x": 1}');
});
