// The pages of the panel, without VS Code.

/** What `inspect` gives, as a page. */
export function inspectPage(name: string, text: string): string {
    return page(`What was read of ${name}`, `<pre>${escaped(text)}</pre>`);
}

/** A page that says why there is no other. */
export function problemPage(title: string, text: string): string {
    return page(title, `<pre>${escaped(text)}</pre>`);
}

/** A report of lora-lint, which is complete by itself, without what a panel must not load. */
export function reportPage(html: string): string {
    return html.replace(/<head>/i, `<head>${policy}`);
}

export function escaped(text: string): string {
    return text.replace(/[&<>"']/g, each => `&#${each.charCodeAt(0)};`);
}

/** No scripts and nothing from elsewhere: the text is the user's. */
const policy =
    '<meta http-equiv="Content-Security-Policy" ' +
    'content="default-src \'none\'; style-src \'unsafe-inline\'; img-src data:">';

function page(title: string, body: string): string {
    return `<!DOCTYPE html>
<html lang="en">
<head>${policy}<meta charset="utf-8"><title>${escaped(title)}</title></head>
<body><h1>${escaped(title)}</h1>${body}</body>
</html>
`;
}
