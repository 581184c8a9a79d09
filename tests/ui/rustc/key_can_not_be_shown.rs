use fluxgate::circuit_breaker;

#[circuit_breaker(key = tenant)]
fn quote(tenant: Option<String>) -> std::io::Result<usize> {
    Ok(tenant.unwrap_or_default().len())
}

fn main() {}
