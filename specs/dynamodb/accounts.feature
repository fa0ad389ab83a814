Feature: Tables of other accounts
  A table is named by its ARN from another account, and reached where its resource policy allows it.

  Background:
    Given a table "orders" with the key "id"

  Scenario: Nobody gets in without a policy
    When the account 111111111111 puts into "arn:aws:dynamodb:us-east-1:000000000000:table/orders" {"id": "a"}
    Then the call fails with "AccessDeniedException", saying
      """
      User: arn:aws:iam::111111111111:root is not authorized to perform: dynamodb:PutItem on resource:
      arn:aws:dynamodb:us-east-1:000000000000:table/orders because no resource-based policy allows the dynamodb:PutItem action
      """

  Scenario: A policy lets an account in
    Given the policy of "orders" allows the account 111111111111 "dynamodb:PutItem"
    When the account 111111111111 puts into "arn:aws:dynamodb:us-east-1:000000000000:table/orders" {"id": "a"}
    And I get from "orders" {"id": "a"}
    Then I get the item {"id": "a"}
