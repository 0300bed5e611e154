//! Numbers that look random.

/// Numbers that look random, from a seed.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, most: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % most
    }

    /// Draws units until their areas add up to about `budget`.
    pub fn units(&mut self, areas: &[f64], budget: f64) -> Vec<usize> {
        let mut units: Vec<usize> = (0..areas.len()).collect();
        let mut drawn = 0;
        let next = || {
            let left = units.len() - drawn;
            if left == 0 {
                return None;
            }
            units.swap(drawn, drawn + self.below(left));
            drawn += 1;
            Some(units[drawn - 1])
        };
        up_to(std::iter::from_fn(next), areas, budget)
    }
}

/// Takes units in their order until their areas add up to about `budget`: the last unit is taken if
/// this comes nearer to it. Of equal units it takes `budget / area`.
pub fn up_to(order: impl Iterator<Item = usize>, areas: &[f64], budget: f64) -> Vec<usize> {
    let (mut units, mut area) = (Vec::new(), 0.0);
    let mut order = order;
    while area < budget - 1e-6 {
        let Some(unit) = order.next() else { break };
        if area + areas[unit] / 2.0 > budget {
            break;
        }
        area += areas[unit];
        units.push(unit);
    }
    units
}

/// The FNV hash of a name.
pub fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
