use fluxgate::circuit_breaker;

fn is_server_error(status: u16) -> bool {
    status >= 500
}

#[circuit_breaker(failure_if = is_server_error)]
async fn quote() -> std::io::Result<u16> {
    Ok(200)
}

fn main() {}
