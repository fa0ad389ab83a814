//! Numbers of tables are on disk, and no two tables may have the same.

use std::collections::HashMap;
use virga_base::{Clock, Ids, Timestamp};
use virga_service::{Cloud, CloudOptions};
use virga_store::{MemoryEngine, Store};

#[test]
fn every_table_has_a_number_of_its_own() {
    let cloud = Cloud::new(CloudOptions {
        store: Store::new(Box::new(MemoryEngine::default())),
        clock: Clock::frozen(Timestamp::EPOCH),
        ids: Ids::seeded(1),
        services: virga_catalog::services(),
        settings: Default::default(),
    });
    let mut names = HashMap::new();
    for table in cloud.tables() {
        let other = names.insert(table.number, table.name);
        assert_eq!(other, None, "{} has the number {:#06x} too", table.name, table.number);
    }
    assert!(names.len() > 20, "the services declare their tables");
}
