use fluxgate::circuit_breaker;

#[circuit_breaker(key = "tenant")]
fn quote(tenant: &str) -> std::io::Result<usize> {
    Ok(tenant.len())
}

fn main() {}
