// The JavaScript side of passage.rs: a head is a text of lines `name:value`.

export function request_head(request) {
  return `${request.method} ${request.url}\n${lines(request.headers)}`
}

export function response_head(response) {
  return `${response.status}\n${lines(response.headers)}`
}

export function make_response(status, headers, body) {
  return new Response(body, { status, headers })
}

export function send(method, url, head, body, signal) {
  return fetch(url, { method, headers: make_headers(head), body, redirect: 'manual', signal })
}

function lines(headers) {
  let text = ''
  headers.forEach((value, name) => {
    text += `${name}:${value}\n`
  })
  return text
}

/** To append one by one takes workerd a third of the time that it takes with a list of pairs. */
export function make_headers(head) {
  const headers = new Headers()
  for (let start = 0, end; (end = head.indexOf('\n', start)) >= 0; start = end + 1) {
    const colon = head.indexOf(':', start)
    headers.append(head.slice(start, colon), head.slice(colon + 1, end))
  }
  return headers
}
