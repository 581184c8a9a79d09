use fluxgate::circuit_breaker;

#[circuit_breaker(max_keys = 100)]
fn quote(tenant: &str) -> std::io::Result<usize> {
    Ok(tenant.len())
}

fn main() {}
