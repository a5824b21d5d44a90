// Runs the command line.

import { execFile } from 'node:child_process';

import type { Command } from './server';

export interface Done {
    /** The exit status; null if the command cannot be started or took too long. */
    status: number | null;
    output: string;
    errors: string;
}

export function run(command: Command, args: string[], cwd?: string, seconds = 20): Promise<Done> {
    return new Promise(resolve => {
        const options = {
            cwd,
            env: { ...process.env, ...command.env },
            timeout: seconds * 1000,
            maxBuffer: 64 * 1024 * 1024,
        };
        execFile(command.command, [...command.args, ...args], options, (error, output, errors) => {
            const code = error === null ? 0 : error.code;
            resolve({ status: typeof code === 'number' ? code : null, output, errors: errors || String(error ?? '') });
        });
    });
}

/** The first command that is lora-lint. */
export async function firstThatAnswers(commands: Command[], cwd?: string): Promise<Command | undefined> {
    for (const command of commands) {
        const { status, output } = await run(command, ['--version'], cwd);
        if (status === 0 && output.startsWith('lora-lint ')) {
            return command;
        }
    }
    return undefined;
}
