//! Elementary functions from IEEE 754 arithmetic alone.
//!
//! The standard library's `ln` and `exp` come from the platform and differ in their
//! last bits. What a simulation draws and decides must be the same everywhere, so it
//! uses these: additions, multiplications, divisions and square roots, which IEEE 754
//! rounds alike on every platform.

use std::f64::consts::{LN_2, SQRT_2};

/// Returns the natural logarithm of a normal, positive number.
///
/// The series of the inverse hyperbolic tangent, `ln m = 2 artanh((m - 1) / (m + 1))`,
/// for a mantissa within √½ and √2.
pub(super) fn ln(x: f64) -> f64 {
    const MANTISSA: u64 = (1 << 52) - 1;
    let bits = x.to_bits();
    let mut exponent = f64::from(u32::try_from(bits >> 52 & 0x7FF).unwrap_or(0)) - 1023.0;
    let mut mantissa = f64::from_bits(bits & MANTISSA | 1.0_f64.to_bits());
    if mantissa > SQRT_2 {
        mantissa *= 0.5;
        exponent += 1.0;
    }
    let z = (mantissa - 1.0) / (mantissa + 1.0);
    let square = z * z;
    // |z| < 0.172: the twelfth term is below the last bit.
    let series = (0..12)
        .rev()
        .fold(0.0, |sum, k| sum * square + 1.0 / f64::from(2 * k + 1));
    2.0 * z * series + exponent * LN_2
}

/// Returns e to the power of a number between -700 and 700; beyond, the value there.
///
/// Taylor's series for the remainder of a division by ln 2.
pub(super) fn exp(x: f64) -> f64 {
    let x = x.clamp(-700.0, 700.0);
    let power = (x / LN_2 + 0.5).floor();
    let rest = x - power * LN_2;
    let series = (1..=16)
        .rev()
        .fold(1.0, |sum, k| 1.0 + sum * rest / f64::from(k));
    // Within ±1010, so the exponent of a normal number.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let scale = f64::from_bits(((power + 1023.0) as u64) << 52);
    series * scale
}

/// Returns the number of standard deviations below which a normally distributed
/// value lies with the probability `p`, which is above 0 and below 1.
///
/// Peter Acklam's rational approximation ("An algorithm for computing the inverse
/// normal cumulative distribution function", 2003): a relative error below 1.15e-9.
pub(super) fn normal(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_690e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 6] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 5] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
        1.0,
    ];
    const TAIL: f64 = 0.02425;
    let polynomial =
        |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, next| sum * x + next);
    let tail = |p: f64| {
        let q = (-2.0 * ln(p)).sqrt();
        polynomial(&C, q) / polynomial(&D, q)
    };
    if p < TAIL {
        tail(p)
    } else if p > 1.0 - TAIL {
        -tail(1.0 - p)
    } else {
        let q = p - 0.5;
        let square = q * q;
        polynomial(&A, square) * q / polynomial(&B, square)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(ours: f64, theirs: f64, tolerance: f64) {
        let error = (ours - theirs).abs() / theirs.abs().max(1.0);
        assert!(error <= tolerance, "{ours} and {theirs}");
    }

    #[test]
    fn ln_and_exp_match_the_platform() {
        for k in 1..5000_u32 {
            let x = f64::from(k) * 0.013;
            close(ln(x), x.ln(), 1e-14);
            close(ln(x * 1e-300), (x * 1e-300).ln(), 1e-14);
            let y = f64::from(k) * 0.1 - 250.0;
            close(exp(y) / y.exp(), 1.0, 1e-13);
        }
        close(ln(1.0), 0.0, 0.0);
        close(exp(0.0), 1.0, 0.0);
    }

    #[test]
    fn normal_matches_known_quantiles() {
        for (p, z) in [
            (0.5, 0.0),
            (0.841_344_746_068_542_9, 1.0),
            (0.977_249_868_051_820_8, 2.0),
            (0.001_349_898_031_630_094_6, -3.0),
            (0.999_968_328_758_166_9, 4.0),
        ] {
            close(normal(p), z, 1e-8);
        }
    }
}
