//! DynamoDB under load: single items, queries and transactions against the bare server, and a table with millions of items.

use crate::load::{self, Connection, Measured};
use crate::report::{self, Report};
use crate::server::Server;
use std::path::Path;
use std::time::Instant;

/// Items that share a partition key: what a query answers.
const ITEMS_OF_ONE: u64 = 25;
/// Bytes of an item, names included, as AWS counts them.
const ITEM_BYTES: u64 = 300;
/// Items that the figures of a large table are held against.
const FEW: u64 = 1_000;
/// Different requests that a load sends in turn, so that they meet items all over the table.
const REQUESTS: u64 = 997;

fn request(operation: &str, body: &str) -> Vec<u8> {
    load::json("dynamodb", &format!("DynamoDB_20120810.{operation}"), body)
}

async fn call(server: &Server, operation: &str, body: &str) -> Result<String, String> {
    let mut connection = Connection::open(server.address).await?;
    let answer = connection.exchange(&request(operation, body)).await?;
    Ok(String::from_utf8_lossy(answer).into_owned())
}

/// The key of the item of that number: 9 bytes of names and values and a number.
fn key(number: u64) -> String {
    let (partition, place) = (number / ITEMS_OF_ONE, number % ITEMS_OF_ONE);
    format!(r#""p":{{"S":"{partition:08}"}},"s":{{"N":"{place}"}}"#)
}

fn item(number: u64) -> String {
    // Two names, the partition key and the sort key take 13 bytes; the third name one.
    let rest = "x".repeat(ITEM_BYTES as usize - 14);
    format!(r#"{{{},"d":{{"S":"{rest}"}}}}"#, key(number))
}

async fn fill(server: &Server, table: &str, items: u64) -> Result<(), String> {
    let schema = r#""KeySchema":[{"AttributeName":"p","KeyType":"HASH"},{"AttributeName":"s","KeyType":"RANGE"}],
        "AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"},{"AttributeName":"s","AttributeType":"N"}],
        "BillingMode":"PAY_PER_REQUEST""#;
    call(server, "CreateTable", &format!(r#"{{"TableName":"{table}",{schema}}}"#)).await?;
    let mut connection = Connection::open(server.address).await?;
    for first in (0..items).step_by(25) {
        let puts: Vec<String> = (first..first + 25)
            .map(|number| format!(r#"{{"PutRequest":{{"Item":{}}}}}"#, item(number)))
            .collect();
        let body = format!(r#"{{"RequestItems":{{"{table}":[{}]}}}}"#, puts.join(","));
        connection.exchange(&request("BatchWriteItem", &body)).await?;
    }
    Ok(())
}

/// A request for each of some items spread over a table.
fn spread(items: u64, body: impl Fn(u64) -> Vec<u8>) -> Vec<Vec<u8>> {
    let step = (items / REQUESTS).max(1);
    (0..REQUESTS).map(|n| body(n * step % items)).collect()
}

fn gets(table: &str, items: u64) -> Vec<Vec<u8>> {
    spread(items, |n| {
        request("GetItem", &format!(r#"{{"TableName":"{table}","Key":{{{}}}}}"#, key(n)))
    })
}

fn puts(table: &str, items: u64) -> Vec<Vec<u8>> {
    spread(items, |n| {
        request("PutItem", &format!(r#"{{"TableName":"{table}","Item":{}}}"#, item(n)))
    })
}

fn queries(table: &str, items: u64) -> Vec<Vec<u8>> {
    spread(items, |n| {
        let values = format!(r#"{{":p":{{"S":"{:08}"}}}}"#, n / ITEMS_OF_ONE);
        let body = format!(
            r#"{{"TableName":"{table}","KeyConditionExpression":"p = :p","ExpressionAttributeValues":{values}}}"#
        );
        request("Query", &body)
    })
}

fn transactions(table: &str, items: u64) -> Vec<Vec<u8>> {
    spread(items, |n| {
        let puts: Vec<String> = (n..n + 10)
            .map(|n| format!(r#"{{"Put":{{"TableName":"{table}","Item":{}}}}}"#, item(n)))
            .collect();
        request(
            "TransactWriteItems",
            &format!(r#"{{"TransactItems":[{}]}}"#, puts.join(",")),
        )
    })
}

async fn measure(server: &Server, requests: &[Vec<u8>], seconds: f64) -> Result<Measured, String> {
    load::measure(server.address, requests, seconds).await
}

/// Fills a table; what a program is trained with.
pub async fn training(server: &Server) -> Result<Vec<Vec<Vec<u8>>>, String> {
    fill(server, "train", FEW).await?;
    Ok(vec![
        gets("train", FEW),
        puts("train", FEW),
        queries("train", FEW),
        transactions("train", FEW - 10),
    ])
}

/// Rates against the bare server's, each in turns of so many seconds.
pub async fn throughput(
    program: &Path,
    bare: &Path,
    turns: usize,
    seconds: f64,
    report: &mut Report,
) -> Result<(), String> {
    let (virga, _) = Server::start_virga(program).await?;
    let bare = Server::start_bare(bare).await?;
    fill(&virga, "few", FEW).await?;
    for (name, requests, at_least) in [
        ("GetItem", gets("few", FEW), 0.6),
        ("PutItem", puts("few", FEW), 0.5),
        ("Query of 25 items", queries("few", FEW), 0.35),
        ("TransactWriteItems of 10", transactions("few", FEW - 10), 0.2),
    ] {
        let (mut ratios, mut rates) = (Vec::new(), Vec::new());
        for _ in 0..turns {
            let base = measure(&bare, &requests, seconds).await?;
            let ours = measure(&virga, &requests, seconds).await?;
            ratios.push(ours.per_second / base.per_second);
            rates.push(ours.per_second);
        }
        report.at_least(
            &format!("DynamoDB {name}: requests/s over bare"),
            report::median(&mut ratios),
            at_least,
        );
        report.note(format!("DynamoDB {name}: {:.0}/s", report::median(&mut rates)));
    }
    Ok(())
}

/// Rates in a table of a thousand items against those in one of many; memory of an item; the speed of a scan.
pub async fn depth(program: &Path, items: u64, turns: usize, seconds: f64, report: &mut Report) -> Result<(), String> {
    let (server, _) = Server::start_virga(program).await?;
    fill(&server, "few", FEW).await?;
    // What the server keeps of the calls themselves is bounded, and no item's.
    measure(&server, &queries("few", FEW), seconds).await?;
    let before = server.resident_bytes()?;
    fill(&server, "many", items).await?;
    let each = (server.resident_bytes()? - before) as f64 / items as f64;
    report.at_most(
        &format!("DynamoDB: memory of an item of {ITEM_BYTES} bytes (of {items})"),
        each,
        600.0,
    );
    for (name, few, many) in [
        ("GetItem", gets("few", FEW), gets("many", items)),
        ("PutItem", puts("few", FEW), puts("many", items)),
        ("Query", queries("few", FEW), queries("many", items)),
    ] {
        let mut ratios = Vec::new();
        for _ in 0..turns {
            let few = measure(&server, &few, seconds).await?;
            let many = measure(&server, &many, seconds).await?;
            ratios.push(few.per_second / many.per_second);
        }
        report.at_most(
            &format!("DynamoDB {name}: rate at {FEW} items over rate at {items}"),
            report::median(&mut ratios),
            1.4,
        );
    }
    report.at_least(
        "DynamoDB Scan: MB of items a second",
        scan(&server, "many").await?,
        150.0,
    );
    Ok(())
}

/// Megabytes of items a second that a scan passes over, page by page, of which a filter leaves none.
async fn scan(server: &Server, table: &str) -> Result<f64, String> {
    let mut connection = Connection::open(server.address).await?;
    let (mut scanned, mut start) = (0, String::new());
    let began = Instant::now();
    loop {
        let body = format!(r#"{{"TableName":"{table}","FilterExpression":"attribute_exists(nothing)"{start}}}"#);
        let answer = connection.exchange(&request("Scan", &body)).await?;
        let answer = String::from_utf8_lossy(answer);
        let digits = answer.split_once(r#""ScannedCount":"#).map_or("", |(_, rest)| rest);
        let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
        scanned += digits.parse::<u64>().map_err(|_| answer.clone().into_owned())?;
        let Some((_, key)) = answer.split_once(r#""LastEvaluatedKey":"#) else {
            break;
        };
        let end = key.find("}}").ok_or("no end of a key")? + 2;
        start = format!(r#","ExclusiveStartKey":{}"#, &key[..end]);
    }
    Ok((scanned * ITEM_BYTES) as f64 / 1e6 / began.elapsed().as_secs_f64())
}
