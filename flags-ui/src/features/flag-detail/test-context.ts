const STORAGE_KEY = 'burgee.context';
const FIRST = '{\n  "targetingKey": "user-1"\n}';

/** The context used last in this tab, so that it need not be typed again for each flag. */
export const testContext = {
  get(): string {
    try {
      return sessionStorage.getItem(STORAGE_KEY) ?? FIRST;
    } catch {
      return FIRST;
    }
  },
  set(text: string) {
    try {
      sessionStorage.setItem(STORAGE_KEY, text);
    } catch {
      // storage is switched off or full
    }
  },
};
