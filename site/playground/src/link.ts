// A text in the part of an address after the `#`, which browsers do not send to any server.

async function through(bytes: Uint8Array<ArrayBuffer>, transform: GenericTransformStream): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(transform as ReadableWritablePair<Uint8Array, Uint8Array>);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The fragment for a file: its name, and its text compressed. */
export async function fragmentOf(name: string, text: string): Promise<string> {
  const bytes = await through(new TextEncoder().encode(text), new CompressionStream("deflate-raw"));
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const code = btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `#${encodeURIComponent(name)}=${code}`;
}

/** The file in a fragment; undefined where there is none, or it is damaged. */
export async function fileIn(fragment: string): Promise<{ name: string; text: string } | undefined> {
  const found = /^#([^=]+)=([\w-]+)$/.exec(fragment);
  if (found === null) {
    return undefined;
  }
  try {
    const binary = atob(found[2]!.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = await through(Uint8Array.from(binary, (each) => each.charCodeAt(0)), new DecompressionStream("deflate-raw"));
    return { name: decodeURIComponent(found[1]!), text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return undefined;
  }
}
