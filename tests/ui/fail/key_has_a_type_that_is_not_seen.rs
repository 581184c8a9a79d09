use fluxgate::circuit_breaker;

#[circuit_breaker(key = request.tenant())]
fn quote(request: Request) -> std::io::Result<usize> {
    Ok(request.tenant().len())
}

struct Request;

impl Request {
    fn tenant(&self) -> &str {
        "a"
    }
}

fn main() {}
