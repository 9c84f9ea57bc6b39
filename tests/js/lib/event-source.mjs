// As much of a browser's EventSource as the provider uses: it reconnects, and says where it was.
export class EventSource extends EventTarget {
  readyState = 0;
  #stop = new AbortController();
  #last;

  constructor(url) {
    super();
    this.#run(url);
  }

  close() {
    this.readyState = 2;
    this.#stop.abort();
  }

  async #run(url) {
    while (this.readyState !== 2) {
      try {
        const headers = this.#last ? { 'last-event-id': this.#last } : {};
        const answer = await fetch(url, { headers, signal: this.#stop.signal });
        if (!answer.ok) this.close();
        else await this.#read(answer);
      } catch {
        // it is gone; another attempt follows
      }
      if (this.readyState !== 2) this.readyState = 0;
      this.dispatchEvent(new Event('error'));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async #read(answer) {
    this.readyState = 1;
    this.dispatchEvent(new Event('open'));
    let text = '';
    for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
      const frames = (text + part).split('\n\n');
      text = frames.pop();
      for (const frame of frames) this.#tell(frame);
    }
  }

  #tell(frame) {
    const field = (name) => frame.split('\n').find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    this.#last = field('id') ?? this.#last;
    const data = field('data');
    if (data !== undefined) this.dispatchEvent(new MessageEvent('message', { data, lastEventId: this.#last }));
  }
}
