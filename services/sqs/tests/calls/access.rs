//! Who may use a queue: its owner, and whom its policy lets in.

use crate::{Bench, arn};
use serde_json::{Value as Json, json};
use virga_base::Account;
use virga_service::{Caller, Principal};

async fn with_policy(statement: Json) -> Bench {
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    Bench::new(json!({ "Policy": policy })).await
}

async fn send_as(queue: &Bench, caller: Caller) -> Result<(), (String, u16, String)> {
    let input = json!({ "QueueUrl": queue.url, "MessageBody": "x" });
    match queue.world.call_as(caller, "sqs", "SendMessage", input).await {
        Ok(_) => Ok(()),
        Err(error) => Err((error.code.into_owned(), error.status, error.message)),
    }
}

#[tokio::test]
async fn strangers_need_a_policy() {
    let other = || Caller::root(Account::from_number(111_111_111_111));
    let queue = Bench::new(json!({})).await;
    assert_eq!(
        send_as(&queue, other()).await,
        Err((
            "AccessDenied".into(),
            403,
            format!(
                "User: arn:aws:iam::111111111111:root is not authorized to perform: sqs:sendmessage on resource: {} \
                 because no resource-based policy allows the sqs:sendmessage action",
                arn("q")
            )
        ))
    );
    assert_eq!(
        send_as(&queue, Caller::anonymous(Account::DEFAULT)).await,
        Err((
            "AccessDenied".into(),
            403,
            format!("Access to the resource {} is denied.", queue.url)
        ))
    );
    let add = json!({ "Label": "l", "AWSAccountIds": ["111111111111"], "Actions": ["SendMessage"] });
    queue.ok("AddPermission", add).await;
    assert_eq!(send_as(&queue, other()).await, Ok(()));
    assert!(send_as(&queue, Caller::anonymous(Account::DEFAULT)).await.is_err());
    let input = json!({ "QueueUrl": queue.url });
    let deletion = queue.world.call_as(other(), "sqs", "DeleteQueue", input.clone()).await;
    assert_eq!(
        deletion.err().map(|error| error.code.into_owned()).as_deref(),
        Some("AccessDenied")
    );
    queue.ok("RemovePermission", json!({ "Label": "l" })).await;
    assert!(send_as(&queue, other()).await.is_err());
    assert_eq!(queue.attribute("Policy").await, None);
}

#[tokio::test]
async fn an_open_queue_takes_unsigned_messages() {
    let queue = with_policy(json!({ "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage" })).await;
    assert_eq!(send_as(&queue, Caller::anonymous(Account::DEFAULT)).await, Ok(()));
    let anonymous = Caller::anonymous(Account::DEFAULT);
    let listing = queue.world.call_as(anonymous, "sqs", "ListQueues", json!({})).await;
    assert!(listing.is_err());
}

#[tokio::test]
async fn a_denial_binds_the_accounts_users_but_not_its_root() {
    let queue = with_policy(json!({ "Effect": "Deny", "Principal": "*", "Action": "sqs:*" })).await;
    let user = Caller {
        account: Account::DEFAULT,
        principal: Principal::User {
            name: "u".into(),
            path: "/".into(),
            id: "AIDAAAAAAAAAAAAAAAAAA".into(),
        },
        access_key_id: None,
    };
    let denied = send_as(&queue, user.clone()).await.err().map(|(_, _, message)| message);
    assert!(denied.is_some_and(|message| message.ends_with("with an explicit deny in a resource-based policy")));
    assert_eq!(send_as(&queue, Caller::root(Account::DEFAULT)).await, Ok(()));
    let open = Bench::new(json!({})).await;
    assert_eq!(send_as(&open, user).await, Ok(()));
    let received = open.receive(1, json!({})).await;
    assert_eq!(received[0]["Attributes"]["SenderId"], json!("AIDAAAAAAAAAAAAAAAAAA"));
}

#[tokio::test]
async fn permissions_are_checked() {
    let queue = Bench::new(json!({})).await;
    let add = |accounts: Json, actions: Json| json!({ "Label": "l", "AWSAccountIds": accounts, "Actions": actions });
    let account = json!(["111111111111"]);
    for (input, message) in [
        (
            add(account.clone(), json!([])),
            "The request must contain the parameter Actions.",
        ),
        (
            add(account.clone(), json!(["AddPermission"])),
            "Value SQS:AddPermission for parameter ActionName is invalid. Reason: Only the queue owner is allowed to \
             invoke this action.",
        ),
        (
            add(json!([]), json!(["*"])),
            "Value [] for parameter PrincipalId is invalid. Reason: Unable to verify.",
        ),
    ] {
        assert_eq!(queue.err("AddPermission", input).await.1, message);
    }
    queue.ok("AddPermission", add(account.clone(), json!(["*"]))).await;
    assert_eq!(
        queue.err("AddPermission", add(account, json!(["*"]))).await.1,
        "Value l for parameter Label is invalid. Reason: Already exists."
    );
    assert_eq!(
        queue.err("RemovePermission", json!({ "Label": "none" })).await.1,
        "Value none for parameter Label is invalid. Reason: can't find label on existing policy."
    );
}
