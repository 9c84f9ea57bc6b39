import { request } from './http';
import type { Page } from './types';

const PAGE_ITEMS = 1000;
/** 100,000 items: ten times what an environment may hold. */
const MAX_PAGES = 100;

/** All items of a list, page by page. */
export async function allPages<Item>(url: string, signal?: AbortSignal): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const query = new URLSearchParams({ limit: String(PAGE_ITEMS) });
    if (cursor) query.set('cursor', cursor);
    const { body } = await request<Page<Item>>(`${url}?${query}`, { signal });
    items.push(...body.items);
    cursor = body.nextCursor;
    if (!cursor) break;
  }
  return items;
}
