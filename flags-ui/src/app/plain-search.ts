/** Search parameters as plain strings: the router's default would read a key like `2024` as a number. */
export const parsePlainSearch = (search: string): Record<string, string> => Object.fromEntries(new URLSearchParams(search));

export function plainSearch(search: Record<string, unknown>): string {
  const given = Object.entries(search).filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '');
  const text = new URLSearchParams(given).toString();
  return text && `?${text}`;
}
