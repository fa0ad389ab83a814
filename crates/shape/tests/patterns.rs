//! How many of the models' patterns are checked. The rest needs a backtracking engine, which a request could make slow.

use std::collections::BTreeSet;
use virga_shape::constraints::is_supported;
use virga_shape::pack;

#[test]
fn nearly_all_patterns_of_the_pack_are_checked() {
    let mut patterns = BTreeSet::new();
    for entry in pack::services() {
        let model = pack::service(entry.name).unwrap();
        let constraints = model.shapes.iter().filter_map(|shape| shape.constraints.as_deref());
        patterns.extend(constraints.filter_map(|c| c.pattern.as_deref()));
    }
    let unsupported: Vec<_> = patterns.iter().filter(|pattern| !is_supported(pattern)).collect();
    println!("{} of {} patterns are not checked:", unsupported.len(), patterns.len());
    for pattern in &unsupported {
        println!("  {pattern}");
    }
    assert!(patterns.len() > 4_000, "{}", patterns.len());
    assert!(unsupported.len() * 50 < patterns.len(), "{}", unsupported.len());
}
