// lora-lint in a worker: Python and the linter's wheel, both from the page's own server.
import type { PyodideInterface } from "pyodide";

import type { Answer, Question, Started } from "./messages.js";

type Lint = (name: string, text: string, columns: number) => string;

let python: Promise<Lint> | undefined;

async function started(): Promise<Lint> {
  const { loadPyodide } = (await import(/* webpackIgnore: true */ "./pyodide/pyodide.mjs" as string)) as {
    loadPyodide: (options: { indexURL: string }) => Promise<PyodideInterface>;
  };
  const archives = (await (await fetch("python.json")).json()) as string[];
  const [pyodide, ...contents] = await Promise.all([
    loadPyodide({ indexURL: new URL("pyodide/", self.location.href).href }),
    ...archives.map(async (name) => (await fetch(name)).arrayBuffer()),
  ]);
  for (const content of contents) {
    pyodide.unpackArchive(content, "zip", { extractDir: "/python" });
  }
  // Not the current folder, which holds the text to lint; and no results are kept.
  pyodide.runPython("import os, sys; sys.path.insert(0, '/python'); os.environ['LORA_LINT_NO_CACHE'] = '1'");
  const { report } = pyodide.pyimport("playground") as { report: Lint };
  self.postMessage({ id: 0 } satisfies Started);
  return report;
}

self.onmessage = async (event: MessageEvent<Question>) => {
  const { id, name, text, columns } = event.data;
  let answer: Answer;
  try {
    python ??= started();
    answer = { id, report: JSON.parse((await python)(name, text, columns)) };
  } catch (error) {
    answer = { id, failure: String(error) };
  }
  self.postMessage(answer);
};
