use fluxgate::circuit_breaker;

struct Tenant(u32);

impl Tenant {
    fn into_id(self) -> u32 {
        self.0
    }
}

#[circuit_breaker(key = tenant.into_id(), key_type = u32)]
fn quote(tenant: Tenant) -> std::io::Result<u32> {
    Ok(tenant.0)
}

fn main() {}
