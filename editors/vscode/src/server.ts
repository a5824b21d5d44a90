// Which command starts the server: pure decisions, so that they can be tested without VS Code.

import * as path from 'node:path';

/** A command line, and variables that it needs. */
export interface Command {
    command: string;
    args: string[];
    env?: Record<string, string>;
}

/** What is known about the surroundings of a workspace folder. */
export interface Surroundings {
    /** The settings `lora-lint.path` and `lora-lint.interpreter`; empty where they are not set. */
    path: string;
    interpreter: string;
    /** The interpreter that the Python extension has selected, if there is one. */
    selected?: string;
    folder?: string;
    /** The packages that come with the extension, if it was built with them. */
    bundled?: string;
    platform: NodeJS.Platform;
}

/** The commands to try, in this order; the first that answers `--version` is used. */
export function candidates(around: Surroundings): Command[] {
    if (around.path) {
        return [{ command: home(around.path), args: [] }];
    }
    if (around.interpreter) {
        return [module(home(around.interpreter))];
    }
    const interpreters = [around.selected, ...environments(around)].filter((each): each is string => !!each);
    const found = interpreters.map(each => module(each));
    found.push({ command: 'lora-lint', args: [] });
    const python = around.platform === 'win32' ? 'python' : 'python3';
    if (around.bundled) {
        const env = { PYTHONPATH: around.bundled };
        found.push(...[...interpreters, python].map(each => ({ ...module(each), env })));
    }
    found.push(module(python));
    return found;
}

/** The interpreters of the virtual environments in a folder. */
function environments(around: Surroundings): string[] {
    const { folder, platform } = around;
    if (!folder) {
        return [];
    }
    const join = platform === 'win32' ? path.win32.join : path.posix.join;
    const rest = platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python'];
    return ['.venv', 'venv'].map(each => join(folder, each, ...rest));
}

function module(interpreter: string): Command {
    return { command: interpreter, args: ['-m', 'lora_lint'] };
}

function home(name: string): string {
    return name.startsWith('~/') ? path.join(process.env.HOME ?? '~', name.slice(2)) : name;
}
