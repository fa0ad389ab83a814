//! Tables of other accounts, which are named by their ARNs and reached where their resource policies allow it.

use crate::features::POLICIES;
use virga_base::{Account, Arn, AwsError};
use virga_lang_policy::{Context, Policy, Request, Rules, Verdict};
use virga_permit::Who;
use virga_service::{Ctx, Place, Principal};

/// What a call does with a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// As it was given: a name or an ARN.
    pub table: String,
    pub index: Option<String>,
    /// In IAM's words, without the service: `GetItem`.
    pub action: &'static str,
}

/// The account of a table in the caller's region, if that is another than the caller's.
fn other_account(ctx: &Ctx, table: &str) -> Option<(Account, Arn)> {
    let arn = table.starts_with("arn:").then(|| Arn::parse(table).ok()).flatten()?;
    let account = Account::parse(&arn.account).ok()?;
    (account != ctx.account() && arn.region == ctx.region().as_str()).then_some((account, arn))
}

/// The context in which these tables are the caller's own: that of the one other account that they all belong to, if its
/// policies let the caller in. Tables of several accounts are not found.
pub fn reach(ctx: &Ctx, targets: &[Target]) -> Result<Ctx, AwsError> {
    let mut there = None;
    for target in targets {
        let Some((account, arn)) = other_account(ctx, &target.table) else {
            return Ok(ctx.clone());
        };
        if *there.get_or_insert(account) != account {
            return Ok(ctx.clone());
        }
        permit(ctx, account, &arn, target)?;
    }
    Ok(there.map_or_else(
        || ctx.clone(),
        // The caller asked for that account's table, and its policy has just let the caller in.
        |account| ctx.elsewhere(account, ctx.region().clone()),
    ))
}

/// Has an operation on one table work in that table's account.
pub fn across<I, O, F, R>(
    action: &'static str,
    table: fn(&I) -> Option<&String>,
    f: F,
) -> impl Fn(Ctx, I) -> std::pin::Pin<Box<dyn Future<Output = Result<O, AwsError>> + Send>> + Copy + Send + Sync + 'static
where
    I: Send + 'static,
    O: 'static,
    F: Fn(Ctx, I) -> R + Copy + Send + Sync + 'static,
    R: Future<Output = Result<O, AwsError>> + Send + 'static,
{
    move |ctx, input| {
        let target = Target {
            table: table(&input).cloned().unwrap_or_default(),
            index: None,
            action,
        };
        match reach(&ctx, &[target]) {
            Ok(ctx) => Box::pin(f(ctx, input)),
            Err(error) => Box::pin(async move { Err(error) }),
        }
    }
}

fn permit(ctx: &Ctx, account: Account, table: &Arn, target: &Target) -> Result<(), AwsError> {
    let place = Place::new(account, ctx.region());
    let table = table.to_string();
    // The policy is the other account's, who says in it whom it lets in.
    let kept = ctx.read(|tx| tx.elsewhere(&place).get(&POLICIES, (&table,)))?;
    let resource = match &target.index {
        Some(index) => format!("{table}/index/{index}"),
        None => table,
    };
    let policy = kept.and_then(|kept| Policy::parse(&kept.text, &Rules::LENIENT).ok());
    let verdict = policy.map_or(Verdict::Silent, |policy| ask(ctx, &policy, target.action, &resource));
    let why = match verdict {
        Verdict::Allow => return Ok(()),
        Verdict::Deny => "with an explicit deny in a resource-based policy".to_owned(),
        Verdict::Silent => format!(
            "because no resource-based policy allows the dynamodb:{} action",
            target.action
        ),
    };
    Err(AwsError::new(
        "AccessDeniedException",
        format!(
            "User: {} is not authorized to perform: dynamodb:{} on resource: {resource} {why}",
            ctx.caller().arn(ctx.partition()),
            target.action
        ),
    ))
}

fn ask(ctx: &Ctx, policy: &Policy, action: &str, resource: &str) -> Verdict {
    let caller = ctx.caller();
    let who = Who::of(caller, ctx.partition());
    let mut context = Context::new();
    context.add("aws:PrincipalArn", who.principal_arn());
    context.add("aws:PrincipalAccount", who.account());
    context.add("aws:userid", who.user_id());
    context.add("aws:SecureTransport", ctx.request().secure.to_string());
    if let Some(address) = &ctx.request().source_ip {
        context.add("aws:SourceIp", address.to_string());
    }
    if let Principal::User { name, .. } = &caller.principal {
        context.add("aws:username", name.as_str());
    }
    let request = Request {
        asker: who.asker(None),
        action: &format!("dynamodb:{action}"),
        resource,
        context: &context,
    };
    policy.evaluate(&request).verdict
}
