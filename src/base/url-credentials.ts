/** A text with the user and the password taken out of every URL in it, for eyes that they are not meant for. */
export function withoutCredentials(text: string): string {
  return text.replace(/\b([a-z][a-z+.-]*:\/\/)[^/?#@\s]*@/gi, '$1');
}

/** The `Authorization` that a URL asks for with its user and password (RFC 7617), and the URL without them. @throws TypeError where it is none */
export function takeCredentials(url: string): { readonly url: string; readonly authorization: string | undefined } {
  const plain = new URL(url);
  const { username, password } = plain;
  if (username === '' && password === '') return { url, authorization: undefined };
  plain.username = '';
  plain.password = '';
  const pair = `${unescaped(username)}:${unescaped(password)}`;
  return { url: plain.href, authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a percent sign that escapes nothing
  }
}
