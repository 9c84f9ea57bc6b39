import { useDebouncedCallback } from '@mantine/hooks';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import type { Filters } from './filters';

const route = getRouteApi('/t/$tenant/flags');
const URL_DELAY_MS = 250;

/** Filters that act at once and reach the URL when typing pauses. */
export function useFilters() {
  const { q, tag, state } = route.useSearch();
  const navigate = route.useNavigate();
  const [filters, show] = useState<Filters>(() => definedOnly({ q, tag, state }));
  const written = useRef(JSON.stringify(filters));

  const write = useDebouncedCallback((next: Filters) => {
    written.current = JSON.stringify(next);
    void navigate({ search: ({ env }) => ({ ...next, ...(env ? { env } : {}) }), replace: true });
  }, URL_DELAY_MS);

  // back and forward, or a link, change the URL from outside
  useEffect(() => {
    const fromUrl = definedOnly({ q, tag, state });
    if (JSON.stringify(fromUrl) === written.current) return;
    written.current = JSON.stringify(fromUrl);
    show(fromUrl);
  }, [q, tag, state]);

  const setFilters = (change: { [Name in keyof Filters]?: Filters[Name] | undefined }) => {
    const next = definedOnly({ ...filters, ...change });
    show(next);
    write(next);
  };
  const clear = () => setFilters({ q: undefined, tag: undefined, state: undefined });
  return { filters, setFilters, clear };
}

/** In a fixed order, so that equal filters have equal text. */
function definedOnly({ q, tag, state }: { [Name in keyof Filters]?: Filters[Name] | undefined }): Filters {
  return { ...(q ? { q } : {}), ...(tag ? { tag } : {}), ...(state ? { state } : {}) };
}
