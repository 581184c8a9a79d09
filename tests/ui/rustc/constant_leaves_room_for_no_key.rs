use fluxgate::circuit_breaker;

const ROOM: usize = 0;

#[circuit_breaker(key = tenant, max_keys = ROOM)]
fn quote(tenant: &str) -> std::io::Result<usize> {
    Ok(tenant.len())
}

fn main() {}
