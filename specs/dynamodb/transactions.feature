Feature: Transactions
  All of a transaction's writes happen, or none.

  Background:
    Given a table "accounts" with the key "id"
    And "accounts" has the items
      """
      {"id": "ann", "n": 1}
      """

  Scenario: All writes happen
    When I write to "accounts" in one transaction
      | Update         | {"id": "ann"}         | SET n = n + :one         |
      | Put            | {"id": "ben", "n": 1} | attribute_not_exists(id) |
      | ConditionCheck | {"id": "cat"}         | attribute_not_exists(id) |
    Then the call succeeds
    When I scan "accounts"
    Then I get, in any order, the items
      """
      {"id": "ann", "n": 2}
      {"id": "ben", "n": 1}
      """

  Scenario: One that cannot happen keeps all from happening, and says why
    When I write to "accounts" in one transaction
      | Put            | {"id": "ben", "n": 1} |                      |
      | ConditionCheck | {"id": "cat"}         | attribute_exists(id) |
    Then the transaction is cancelled for "None, ConditionalCheckFailed"
    When I get from "accounts" {"id": "ben"}
    Then I get no item

  Scenario: A transaction that is sent twice happens once, within ten minutes
    When I write to "accounts" in one transaction named "t1"
      | Update | {"id": "ann"} | SET n = n + :one |
    And I write to "accounts" in one transaction named "t1"
      | Update | {"id": "ann"} | SET n = n + :one |
    And I get from "accounts" {"id": "ann"}
    Then I get the item {"id": "ann", "n": 2}
    When I write to "accounts" in one transaction named "t1"
      | Delete | {"id": "ann"} |  |
    Then the call fails with "IdempotentParameterMismatchException"
    When 10 minutes pass
    And I write to "accounts" in one transaction named "t1"
      | Delete | {"id": "ann"} |  |
    And I get from "accounts" {"id": "ann"}
    Then I get no item

  Scenario: One item takes part once
    When I write to "accounts" in one transaction
      | Put    | {"id": "ben"} |  |
      | Delete | {"id": "ben"} |  |
    Then the call fails with "ValidationException", saying
      """
      Transaction request cannot include multiple operations on one item
      """
