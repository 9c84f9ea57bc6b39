/** Gathers items that come in quick succession and hands them on together, each once. */
export class Batch<Item> {
  private items = new Set<Item>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly flush: (items: Item[]) => void,
    private readonly delayMs: number,
  ) {}

  add(item: Item) {
    this.items.add(item);
    this.timer ??= setTimeout(() => this.run(), this.delayMs);
  }

  clear() {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.items.clear();
  }

  private run() {
    const items = [...this.items];
    this.clear();
    this.flush(items);
  }
}
