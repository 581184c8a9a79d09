use fluxgate::circuit_breaker;

fluxgate::breaker! { static TENANTS = { key_type = String }; }

#[circuit_breaker(breaker = TENANTS)]
fn quote(tenant: &str) -> std::io::Result<usize> {
    Ok(tenant.len())
}

fn main() {}
