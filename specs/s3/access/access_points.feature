Feature: Access points
  An access point is a way into a bucket that has a policy of its own. Its name and its account, or its alias, stand where
  a bucket's name would.

  Background:
    Given a bucket "ledger"
    And "a.txt" was put into the bucket "ledger"
    And an access point "auditors" of the bucket "ledger"

  Scenario: Objects are reached through it
    When the account 000000000000 reads "a.txt" in the bucket "auditors-000000000000"
    Then the call succeeds
    When I read "a.txt" through the alias of the access point "auditors"
    Then the call succeeds

  Scenario: At the host of access points there are no buckets
    Given a bucket "ledger-000000000000"
    And "a.txt" was put into the bucket "ledger-000000000000"
    When a browser GETs "/a.txt" at the host "ledger-000000000000.s3-accesspoint.us-east-1.localhost"
    Then the browser gets 404 with "<Code>NoSuchAccessPoint</Code>"

  Scenario: The bucket stays as long as it has access points
    When I delete "a.txt" from the bucket "ledger"
    And I delete the bucket "ledger"
    Then the call fails with "BucketHasAccessPointsAttached"

  Scenario: A bucket leaves it to its access points who may come in
    Given the bucket "ledger" has the policy
      """
      {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "s3:*",
       "Resource": ["arn:aws:s3:::ledger", "arn:aws:s3:::ledger/*"],
       "Condition": {"StringEquals": {"s3:DataAccessPointAccount": "000000000000"}}}]}
      """
    When the account 222222222222 reads "a.txt" in the bucket "auditors-000000000000"
    Then the call fails with "AccessDenied"
    Given the access point "auditors" has the policy
      """
      {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "222222222222"},
       "Action": "s3:GetObject", "Resource": "arn:aws:s3:us-east-1:000000000000:accesspoint/auditors/object/*"}]}
      """
    When the account 222222222222 reads "a.txt" in the bucket "auditors-000000000000"
    Then the call succeeds
    When the account 222222222222 reads "a.txt" in the bucket "ledger"
    Then the call fails with "AccessDenied"
