//! Just enough HTTP/1.1 on bare sockets: both ends do what no library would.

use std::{
    collections::HashMap,
    fmt::Write as _,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// One request as it came over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// By their lower-case names.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

/// Reads the next request of a connection; `None` at its end.
pub(crate) fn read_request(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next(), words.next());
    let headers = read_headers(stream)?;
    let length = headers.get("content-length");
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body)?;
    Ok(Some(Request {
        method: method.unwrap_or_default(),
        path: path.unwrap_or_default(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }))
}

fn read_headers(stream: &mut impl BufRead) -> io::Result<HashMap<String, String>> {
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            return Ok(headers);
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) body: String,
}

/// Sends one request on a connection of its own.
pub(crate) fn send(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<Response> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(Duration::from_secs(15)))?;
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n");
    for (name, value) in headers {
        let _ = write!(request, "{name}: {value}\r\n");
    }
    let _ = write!(request, "Content-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes())?;

    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line
        .split_whitespace()
        .nth(1)
        .and_then(|word| word.parse().ok());
    let status = status.ok_or(io::ErrorKind::ConnectionReset)?;
    let headers = read_headers(&mut stream)?;
    let mut body = String::new();
    stream.read_to_string(&mut body)?;
    Ok(Response {
        status,
        content_type: headers.get("content-type").cloned(),
        body,
    })
}

pub(crate) fn post(to: SocketAddr, body: &str) -> io::Result<Response> {
    send(
        to,
        "POST",
        "/",
        &[("Content-Type", "application/json")],
        body,
    )
}

pub(crate) fn get(to: SocketAddr, path: &str) -> Response {
    send(to, "GET", path, &[], "").expect("an answer")
}
