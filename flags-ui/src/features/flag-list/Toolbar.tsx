import { Button, CloseButton, Kbd, Select, TextInput } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import { useRef } from 'react';
import type { Environment } from '../../api/types';
import { environmentTitle } from '../../shared/domain/environments';
import { type Filters, isFiltered, type StateFilter } from './filters';

type Props = {
  filters: Filters;
  tags: readonly string[];
  environments: readonly Environment[];
  onChange: (change: { q?: string; tag?: string | undefined; state?: StateFilter | undefined }) => void;
  onClear: () => void;
};

const STATE_OPTIONS: { value: StateFilter; label: string }[] = [
  { value: 'on', label: 'On' },
  { value: 'off', label: 'Off' },
  { value: 'killed', label: 'Killed' },
  { value: 'problem', label: 'With problems' },
  { value: 'warning', label: 'With warnings' },
];

export function Toolbar({ filters, tags, environments, onChange, onClear }: Props) {
  return (
    <div className="toolbar">
      <Search value={filters.q ?? ''} onChange={(q) => onChange({ q })} />
      <NarrowEnvironment environments={environments} />
      <Select
        aria-label="State"
        className="toolbar-select"
        placeholder="State"
        clearable
        data={STATE_OPTIONS}
        value={filters.state ?? null}
        onChange={(state) => onChange({ state: (state as StateFilter | null) ?? undefined })}
      />
      {tags.length > 0 && (
        <Select
          aria-label="Tag"
          className="toolbar-select"
          placeholder="Tag"
          clearable
          searchable
          data={tags}
          value={filters.tag ?? null}
          onChange={(tag) => onChange({ tag: tag ?? undefined })}
        />
      )}
      {isFiltered(filters) && (
        <Button variant="subtle" color="gray" onClick={onClear}>
          Clear
        </Button>
      )}
    </div>
  );
}

function Search({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  useHotkeys([['/', () => input.current?.focus()]]);
  return (
    <TextInput
      ref={input}
      className="search"
      type="search"
      aria-label="Search flags"
      aria-keyshortcuts="/"
      placeholder="Search key, name, tag"
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={
        value ? (
          <CloseButton size="sm" aria-label="Clear search" onClick={() => onChange('')} />
        ) : (
          <Kbd size="xs" aria-hidden>
            /
          </Kbd>
        )
      }
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onChange('');
      }}
    />
  );
}

const route = getRouteApi('/t/$tenant/flags');

/** On a phone the header has no room for the environment, and the list shows one at a time. */
function NarrowEnvironment({ environments }: { environments: readonly Environment[] }) {
  const { env } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Select
      aria-label="Environment shown"
      className="toolbar-select narrow"
      data={environments.map((e) => ({ value: e.key, label: environmentTitle(e) }))}
      value={env ?? environments[0]?.key ?? null}
      onChange={(next) => void navigate({ search: (search) => (next ? { ...search, env: next } : search) })}
    />
  );
}
