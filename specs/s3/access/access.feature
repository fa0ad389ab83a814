Feature: Who may
  A bucket is its owner's. Others come in by its policy or, where it has them, by access control lists.

  Background:
    Given a bucket "ledger"
    And "a.txt" was put into the bucket "ledger"

  Scenario: Nobody else may at first
    When the account 222222222222 reads "a.txt" in the bucket "ledger"
    Then the call fails with "AccessDenied", saying
      """
      Access Denied
      """
    When nobody reads "a.txt" in the bucket "ledger"
    Then the call fails with "AccessDenied"

  Scenario: A policy lets in another account
    Given the bucket "ledger" has the policy
      """
      {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "222222222222"},
       "Action": "s3:GetObject", "Resource": "arn:aws:s3:::ledger/*"}]}
      """
    When the account 222222222222 reads "a.txt" in the bucket "ledger"
    Then the call succeeds
    When the account 333333333333 reads "a.txt" in the bucket "ledger"
    Then the call fails with "AccessDenied"

  Scenario: Who may not list is not told what is not there
    Given the bucket "ledger" has the policy
      """
      {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "222222222222"},
       "Action": "s3:GetObject", "Resource": "arn:aws:s3:::ledger/*"}]}
      """
    When the account 222222222222 reads "none" in the bucket "ledger"
    Then the call fails with "AccessDenied"
    When I give the bucket "ledger" the policy
      """
      {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "222222222222"},
       "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::ledger", "arn:aws:s3:::ledger/*"]}]}
      """
    And the account 222222222222 reads "none" in the bucket "ledger"
    Then the call fails with "NoSuchKey"

  Scenario: A policy decides by an object's tags
    Given "open.txt" was put into the bucket "ledger" with the tag "class=public"
    And the bucket "ledger" has the policy
      """
      {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "222222222222"},
       "Action": "s3:GetObject", "Resource": "arn:aws:s3:::ledger/*",
       "Condition": {"StringEquals": {"s3:ExistingObjectTag/class": "public"}}}]}
      """
    When the account 222222222222 reads "open.txt" in the bucket "ledger"
    Then the call succeeds
    When the account 222222222222 reads "a.txt" in the bucket "ledger"
    Then the call fails with "AccessDenied"

  Scenario: The owner can mend a policy that shuts everybody out
    Given the bucket "ledger" has the policy
      """
      {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*",
       "Action": "s3:*", "Resource": ["arn:aws:s3:::ledger", "arn:aws:s3:::ledger/*"]}]}
      """
    When I put "b.txt" into the bucket "ledger"
    Then the call fails with "AccessDenied", saying
      """
      User: arn:aws:iam::000000000000:root is not authorized to perform: s3:PutObject on resource:
      "arn:aws:s3:::ledger/b.txt" with an explicit deny in a resource-based policy
      """
    When I delete the policy of the bucket "ledger"
    And I put "b.txt" into the bucket "ledger"
    Then the call succeeds

  Scenario Outline: A policy that means nothing is refused
    When I give the bucket "ledger" the policy
      """
      <policy>
      """
    Then the call fails with "MalformedPolicy", saying
      """
      <message>
      """

    Examples:
      | policy                                                                                                                      | message                                                     |
      | not JSON                                                                                                                    | Policies must be valid JSON and the first byte must be '{'  |
      | {}                                                                                                                          | Missing required field Statement                            |
      | {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::ledger"}}           | Action does not apply to any resource(s) in statement       |
      | {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::other/*"}}          | Policy has invalid resource                                 |
      | {"Statement": {"Effect": "Allow", "Principal": {"AWS": "bob"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::ledger/*"}} | Invalid principal in policy                              |

  Scenario: New buckets refuse to be public
    When I give the bucket "ledger" the policy
      """
      {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",
       "Action": "s3:GetObject", "Resource": "arn:aws:s3:::ledger/*"}]}
      """
    Then the call fails with "AccessDenied"
    When I let the bucket "ledger" be public
    And I give the bucket "ledger" the policy
      """
      {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",
       "Action": "s3:GetObject", "Resource": "arn:aws:s3:::ledger/*"}]}
      """
    And nobody reads "a.txt" in the bucket "ledger"
    Then the call succeeds
    When I block public access for the whole account
    And nobody reads "a.txt" in the bucket "ledger"
    Then the call fails with "AccessDenied"

  Scenario: New buckets have no lists
    When I put "b.txt" into the bucket "ledger" with the list "public-read"
    Then the call fails with "AccessControlListNotSupported", saying
      """
      The bucket does not allow ACLs
      """
    When I put "b.txt" into the bucket "ledger" with the list "bucket-owner-full-control"
    Then the call succeeds

  Scenario: Lists let in whom they name
    Given the bucket "ledger" lets its objects have lists
    And the bucket "ledger" lets in the public
    And "open.txt" was put into the bucket "ledger" with the list "public-read"
    And "known.txt" was put into the bucket "ledger" with the list "authenticated-read"
    When nobody reads "open.txt" in the bucket "ledger"
    Then the call succeeds
    When nobody reads "known.txt" in the bucket "ledger"
    Then the call fails with "AccessDenied"
    When the account 222222222222 reads "known.txt" in the bucket "ledger"
    Then the call succeeds

  Scenario: Whoever writes owns, where the bucket says so
    Given the bucket "ledger" lets its objects have lists
    And the bucket "ledger" has the policy
      """
      {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "222222222222"},
       "Action": "s3:PutObject", "Resource": "arn:aws:s3:::ledger/*"}]}
      """
    When the account 222222222222 puts "theirs.txt" into the bucket "ledger"
    Then "theirs.txt" in the bucket "ledger" belongs to the account 222222222222
    When the account 000000000000 reads "theirs.txt" in the bucket "ledger"
    Then the call fails with "AccessDenied"
    When the account 222222222222 puts "shared.txt" into the bucket "ledger" with the list "bucket-owner-full-control"
    And the account 000000000000 reads "shared.txt" in the bucket "ledger"
    Then the call succeeds

  Scenario: Whoever reads may have to pay
    Given the bucket "ledger" has the policy
      """
      {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "222222222222"},
       "Action": "s3:GetObject", "Resource": "arn:aws:s3:::ledger/*"}]}
      """
    And whoever reads from the bucket "ledger" pays
    When the account 222222222222 reads "a.txt" in the bucket "ledger"
    Then the call fails with "AccessDenied"
    When the account 222222222222 reads "a.txt" in the bucket "ledger", paying for it
    Then the call succeeds
