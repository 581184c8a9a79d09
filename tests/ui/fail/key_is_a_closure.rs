use fluxgate::circuit_breaker;

#[circuit_breaker(key = |tenant: &str| tenant.to_owned())]
fn quote(tenant: &str) -> std::io::Result<usize> {
    Ok(tenant.len())
}

fn main() {}
