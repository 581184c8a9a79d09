use fluxgate::circuit_breaker;

fluxgate::breaker! { static PAYMENTS; }

#[circuit_breaker(breaker = PAYMENTS, key = tenant)]
fn quote(tenant: &str) -> std::io::Result<usize> {
    Ok(tenant.len())
}

fn main() {}
