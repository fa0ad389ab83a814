//! Every kind of row that S3 keeps. Nothing else makes its keys.
//!
//! A bucket's own row lies in the world, because its name is the world's. All else of a bucket lies with its owner, in
//! the bucket's region, under the bucket's number, whoever wrote it.
//!
//! A key's *current* object is one row in `OBJECTS`, so that listings and reads meet nothing else. Its older versions and
//! its delete markers are rows in `VERSIONS`, newest first; a key whose newest version is a delete marker has no row in
//! `OBJECTS`. The bytes lie apart from both, so that listings stay cheap.
//!
//! Numbers: 0x0500–0x050f buckets and their configurations, 0x0510–0x051f objects, 0x0520–0x052f multipart uploads,
//! 0x0530–0x053f access, 0x0540–0x055f deferred work of configurations.

use crate::access::rules::Blocks;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;
use virga_base::{Account, Region, Timestamp};
use virga_blob::Name;
use virga_service::{DueId, Owned, Place, Table, TableInfo, record};

/// All of them, as people are shown them.
pub const TABLES: &[TableInfo] = &[
    BUCKETS.owned_info(),
    OWN_BUCKETS.info(),
    CONFIGURATIONS.info(),
    LOGGED.info(),
    LOG_LINES.info(),
    ACCOUNT_RULES.info(),
    ACCESS_POINTS.info(),
    ACCESS_POINT_ALIASES.owned_info(),
    BUCKET_ACCESS_POINTS.info(),
    MULTI_REGION_POINTS.info(),
    MULTI_REGION_REQUESTS.info(),
    STORAGE_LENS.info(),
    JOBS.info(),
    JOB_LINES.info(),
    OBJECTS.info(),
    VERSIONS.info(),
    VERSION_IDS.info(),
    BYTES.info(),
    SEQUENCERS.info(),
    LIFECYCLE_RUNS.info(),
    PARTS.info(),
    UPLOADS.info(),
];

/// Lifetime: the bucket's. Place: the world's. Key: name.
pub const BUCKETS: Table<(String,), Bucket> = Table::new(0x0500, "s3.buckets");
/// Lifetime: the bucket's. Place: its owner's, in no region. Key: name.
pub const OWN_BUCKETS: Table<(String,), ()> = Table::new(0x0501, "s3.own_buckets");
/// Lifetime: until it is deleted, or the bucket is. Key: bucket, kind (`cors`), id (of those that have several of a
/// kind, else empty). Value: the configuration as JSON, in the model's names.
pub const CONFIGURATIONS: Table<(u64, String, String), Vec<u8>> = Table::new(0x0502, "s3.configurations");

/// Lifetime: while the bucket is logged. Place: the world's. Key: the bucket's name.
pub const LOGGED: Table<(String,), ()> = Table::new(0x0503, "s3.logged");
/// Lifetime: until it is delivered. Key: bucket, milliseconds since 1970, a random number. Value: a line of its access log.
pub const LOG_LINES: Table<(u64, u64, u64), Vec<u8>> = Table::new(0x0550, "s3.log_lines");

/// Lifetime: until it is deleted. Place: its account's, in no region. Key: kind (`public_access_block`). Value: as JSON.
pub const ACCOUNT_RULES: Table<(String,), Vec<u8>> = Table::new(0x0530, "s3.account_rules");

/// Lifetime: until it is deleted. Place: its account's, in its region. Key: name.
pub const ACCESS_POINTS: Table<(String,), AccessPoint> = Table::new(0x0531, "s3.access_points");
/// Lifetime: the access point's. Place: the world's. Key: alias.
pub const ACCESS_POINT_ALIASES: Table<(String,), AliasOf> = Table::new(0x0532, "s3.access_point_aliases");
/// Lifetime: the access point's. Place: its bucket's. Key: bucket, the access point's account and name.
pub const BUCKET_ACCESS_POINTS: Table<(u64, String, String), ()> = Table::new(0x0533, "s3.bucket_access_points");
/// Lifetime: until it is deleted. Place: its account's, in no region. Key: name.
pub const MULTI_REGION_POINTS: Table<(String,), MultiRegionPoint> = Table::new(0x0534, "s3.multi_region_access_points");
/// Lifetime: unlimited. Place: its account's, in no region. Key: the token's ARN.
pub const MULTI_REGION_REQUESTS: Table<(String,), MultiRegionRequest> = Table::new(0x0535, "s3.multi_region_requests");
/// Lifetime: until it is deleted. Place: its account's, in its home region. Key: id.
pub const STORAGE_LENS: Table<(String,), StorageLens> = Table::new(0x0536, "s3.storage_lens");
/// Lifetime: unlimited. Place: its account's, in its region. Key: id.
pub const JOBS: Table<(String,), Job> = Table::new(0x0537, "s3.jobs");
/// Lifetime: until the job ends. Key: the job's id, a running number.
pub const JOB_LINES: Table<(String, u64), JobLine> = Table::new(0x0538, "s3.job_lines");

/// Lifetime: while it is the newest of its key. Key: bucket, key.
pub const OBJECTS: Table<(u64, String), Version> = Table::new(0x0510, "s3.objects");
/// Lifetime: until it is deleted. Key: bucket, key, [`Version::rank`], which is less the newer a version is.
pub const VERSIONS: Table<(u64, String, u64), Version> = Table::new(0x0511, "s3.versions");
/// Lifetime: that of the row in `VERSIONS`. Key: bucket, key, version id (`null` for the null version). Value: its rank.
pub const VERSION_IDS: Table<(u64, String, String), u64> = Table::new(0x0512, "s3.version_ids");
/// Lifetime: that of the one version that names it. Key: bucket, a random number.
pub const BYTES: Table<(u64, u128), Vec<u8>> = Table::new(0x0513, "s3.bytes");

/// Lifetime: the bucket's. Key: bucket. Value: the last sequencer of its notifications.
pub const SEQUENCERS: Table<(u64,), u64> = Table::new(0x0540, "s3.sequencers");
/// Lifetime: that of the bucket's lifecycle configuration. Key: bucket.
pub const LIFECYCLE_RUNS: Table<(u64,), LifecycleRun> = Table::new(0x0541, "s3.lifecycle_runs");
/// Lifetime: that of the upload, and then of the one version that was made of it. Key: bucket, number of the upload, the
/// part's number; of a version, its parts are numbered anew from 1.
pub const PARTS: Table<(u64, u128, u32), Part> = Table::new(0x0514, "s3.parts");

/// Lifetime: until it is completed or aborted. Key: bucket, key, upload id, which is greater the later it was begun.
pub const UPLOADS: Table<(u64, String, String), Upload> = Table::new(0x0520, "s3.uploads");

/// Where buckets' own rows are.
pub fn world() -> &'static Place {
    static WORLD: LazyLock<Place> = LazyLock::new(Place::world);
    &WORLD
}

/// How clients name the version that was written without versioning.
pub const NULL: &str = "null";

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Random, the same for the bucket's whole life.
    pub id: u64,
    pub name: String,
    pub owner: Account,
    pub region: String,
    /// The location constraint as it was given: none for us-east-1, or `EU`.
    pub location: Option<String>,
    pub created: Timestamp,
    pub versioning: Versioning,
    pub mfa_delete: bool,
    pub object_lock: bool,
    /// `BucketOwnerEnforced`, `BucketOwnerPreferred` or `ObjectWriter`; none once the controls are deleted.
    pub ownership: Option<String>,
    /// The access point that a request came through; never kept.
    #[serde(skip)]
    pub through: Option<Box<AccessPoint>>,
}

record!(Bucket, 1);

/// An access point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessPoint {
    pub name: String,
    pub alias: String,
    pub account: Account,
    pub region: String,
    pub bucket: String,
    pub bucket_id: u64,
    pub bucket_owner: Account,
    /// The only network that it can be reached from.
    pub vpc_id: Option<String>,
    pub blocks: Blocks,
    pub created: Timestamp,
    /// As it was given.
    pub policy: Option<String>,
    pub tags: Vec<(String, String)>,
}

record!(AccessPoint, 1);

/// Whose alias it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasOf {
    pub account: Account,
    pub region: String,
    pub name: String,
}

record!(AliasOf, 1);

impl Owned for AliasOf {
    fn owner(&self) -> Account {
        self.account
    }
}

/// A bucket behind a multi-region access point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    pub bucket: String,
    pub bucket_owner: Account,
    pub region: String,
    /// 100 where requests go to it, 0 where it is passive.
    pub dial_percent: i32,
}

/// A multi-region access point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultiRegionPoint {
    pub name: String,
    pub alias: String,
    pub created: Timestamp,
    pub blocks: Blocks,
    pub routes: Vec<Route>,
    /// As it was given.
    pub policy: Option<String>,
}

record!(MultiRegionPoint, 1);

/// What was asked of a multi-region access point, and was done, or failed, when it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultiRegionRequest {
    pub created: Timestamp,
    pub name: String,
    pub what: MultiRegionChange,
    /// Code and message of what it failed with.
    pub error: Option<(String, String)>,
}

record!(MultiRegionRequest, 1);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MultiRegionChange {
    Create { blocks: Blocks, routes: Vec<Route> },
    Delete,
    PutPolicy { policy: String },
}

/// A batch job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// What it was made of, as JSON in the model's names.
    pub request: Vec<u8>,
    /// The client's; a job is made once for each.
    pub token: String,
    pub created: Timestamp,
    /// In AWS's words.
    pub status: String,
    pub priority: i32,
    /// False while it waits to be.
    pub confirmed: bool,
    /// Since when it waits.
    pub suspended: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// Objects of its manifest.
    pub total: u64,
    pub succeeded: u64,
    pub failed: u64,
    /// Why its status was changed, as whoever did it said.
    pub reason: Option<String>,
    /// Code and reason of what it failed with.
    pub failure: Option<(String, String)>,
    pub tags: Vec<(String, String)>,
}

record!(Job, 1);

/// What became of one object of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobLine {
    pub succeeded: bool,
    /// Its line in the report.
    pub text: String,
}

record!(JobLine, 1);

/// A configuration of Storage Lens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageLens {
    /// As JSON, in the model's names.
    pub configuration: Vec<u8>,
    pub tags: Vec<(String, String)>,
}

record!(StorageLens, 1);

impl Owned for Bucket {
    fn owner(&self) -> Account {
        self.owner
    }
}

impl Bucket {
    pub fn region(&self) -> Region {
        Region::parse(&self.region).unwrap_or_default()
    }

    pub fn arn(&self) -> String {
        format!("arn:{}:s3:::{}", self.region().partition(), self.name)
    }

    /// Whether it has ever had versions.
    pub fn is_versioned(&self) -> bool {
        self.versioning != Versioning::Never
    }
}

/// A bucket's versioning; once begun it can be suspended but never ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Versioning {
    Never,
    Enabled,
    Suspended,
}

/// One version of an object, or a delete marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// None for the null version.
    pub id: Option<String>,
    /// Less the newer it is among the versions of its key.
    pub rank: u64,
    /// In whole seconds, as S3 tells it.
    pub modified: Timestamp,
    /// Who owns it.
    pub owner: Account,
    pub delete_marker: bool,
    /// Bytes of its data.
    pub size: u64,
    /// Without quotes.
    pub etag: String,
    /// None is `STANDARD`.
    pub storage_class: Option<String>,
    pub checksum: Option<Checksum>,
    /// How many parts it was uploaded in; none where it was not.
    pub parts: Option<u32>,
    pub content: Content,
    pub encryption: Encryption,
    pub headers: Headers,
    /// What `x-amz-meta-` headers said, by the name behind it.
    pub metadata: Vec<(String, String)>,
    pub website_redirect: Option<String>,
    /// In the order of arrival.
    pub tags: Vec<(String, String)>,
    pub lock: Lock,
    /// The copy of an archived object that a restore has made.
    pub restore: Option<Restore>,
    /// `PENDING`, `COMPLETED`, `FAILED` or `REPLICA`.
    pub replication: Option<String>,
    /// Its access control list, as `Acl::load` takes it; none is `private`.
    pub acl: Option<String>,
}

record!(Version, 1);

/// The rank of the first version of a key; each newer one has one less.
pub const FIRST_RANK: u64 = u64::MAX - 1;

impl Version {
    /// As clients name it.
    pub fn shown_id(&self) -> &str {
        self.id.as_deref().unwrap_or(NULL)
    }

    /// `STANDARD` where none is kept.
    pub fn storage_class(&self) -> &str {
        self.storage_class.as_deref().unwrap_or("STANDARD")
    }

    /// Whether its bytes have to be restored before they can be read.
    pub fn is_archived(&self, now: Timestamp) -> bool {
        let readable = |restore: &Restore| (restore.ready..restore.expires).contains(&now);
        matches!(self.storage_class(), "GLACIER" | "DEEP_ARCHIVE") && !self.restore.as_ref().is_some_and(readable)
    }

    /// As headers and lists show it.
    pub fn quoted_etag(&self) -> String {
        format!("\"{}\"", self.etag)
    }
}

/// Where the bytes are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// There are none.
    #[default]
    Nothing,
    /// In `BYTES`, under this number.
    Row(u128),
    File {
        name: Name,
        /// Bytes.
        length: u64,
    },
    /// In the parts that were uploaded under this number.
    Parts(u128),
}

/// A part of an upload, or of the version that was made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Bytes.
    pub size: u64,
    /// Where it begins in its version.
    pub offset: u64,
    /// Without quotes.
    pub etag: String,
    pub modified: Timestamp,
    /// Of the upload's algorithm, where it has one; else what the client has sent.
    pub checksum: Option<Checksum>,
    /// Its CRC64NVME, of which that of the whole is made.
    pub crc64: u64,
    pub content: Content,
    /// Of its encryption with a customer's key.
    pub nonce: u64,
}

record!(Part, 1);

/// A multipart upload under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Under which its parts are.
    pub number: u128,
    pub initiated: Timestamp,
    pub initiator: Account,
    /// The version to be, without bytes.
    pub version: Version,
    /// The checksum that was chosen, and whether it is made of the parts' checksums.
    pub checksum: Option<(Algorithm, bool)>,
    /// What the key meant when it began: the version's id, when it was written, and its bytes.
    pub met: Option<(Option<String>, Timestamp, Content)>,
    /// Whether a completion has met another object since.
    pub is_disturbed: bool,
}

record!(Upload, 1);

/// A checksum that is kept with an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    pub algorithm: Algorithm,
    /// Whether it is made of the parts' checksums.
    pub composite: bool,
    /// In base64; a composite one ends in `-` and the number of parts.
    pub value: String,
}

/// The algorithms of S3's checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
    Sha512,
    Md5,
}

/// Headers that S3 keeps and gives back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers {
    pub content_type: Option<String>,
    pub cache_control: Option<String>,
    pub content_disposition: Option<String>,
    pub content_encoding: Option<String>,
    pub content_language: Option<String>,
    pub expires: Option<String>,
}

/// How an object is encrypted at rest, as its answers tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encryption {
    /// SSE-S3, which nobody notices.
    #[default]
    S3,
    Kms {
        key_id: String,
        bucket_key: bool,
        context: Option<String>,
        /// `aws:kms:dsse`.
        twice: bool,
    },
    /// SSE-C: the MD5 of the customer's key, in base64.
    Customer {
        key_md5: String,
        /// The number of its content's encryption; parts have their own.
        nonce: u64,
    },
}

/// What keeps an object from being deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// `GOVERNANCE` or `COMPLIANCE`.
    pub mode: Option<String>,
    pub until: Option<Timestamp>,
    /// None where it was never set.
    pub legal_hold: Option<bool>,
}

/// A restored copy of an archived object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restore {
    /// When the copy is there.
    pub ready: Timestamp,
    /// When it is gone.
    pub expires: Timestamp,
}

/// The walk through a bucket that applies its lifecycle configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifecycleRun {
    /// Random; another one after each change of the configuration.
    pub number: u64,
    /// Its next step.
    pub due: DueId,
}

record!(LifecycleRun, 1);
