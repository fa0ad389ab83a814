Feature: Queries and scans
  A query reads a range of one partition in the order of the sort key; a scan reads all.

  Background:
    Given a table "visits" with the key "user" and "at" (N)
    And "visits" has the items
      """
      {"user": "ann", "at": -5, "page": "home"}
      {"user": "ann", "at": 2, "page": "cart"}
      {"user": "ann", "at": 10, "page": "home"}
      {"user": "ben", "at": 3, "page": "home"}
      """

  Scenario: Numbers sort as numbers
    When I query "visits" with
      | KeyConditionExpression | #u = :u |
      | #u                     | user    |
      | :u                     | "ann"   |
    Then I get the items
      """
      {"user": "ann", "at": -5, "page": "home"}
      {"user": "ann", "at": 2, "page": "cart"}
      {"user": "ann", "at": 10, "page": "home"}
      """
    And there is no more

  Scenario: A range, from its end
    When I query "visits" with
      | KeyConditionExpression | #u = :u AND #at BETWEEN :from AND :to |
      | #u                     | user                                  |
      | #at                    | at                                    |
      | :u                     | "ann"                                 |
      | :from                  | 0                                     |
      | :to                    | 10                                    |
      | ScanIndexForward       | false                                 |
      | ProjectionExpression   | #at                                   |
    Then I get the items
      """
      {"at": 10}
      {"at": 2}
      """

  Scenario: Page by page
    When I query "visits" with
      | KeyConditionExpression | #u = :u |
      | #u                     | user    |
      | :u                     | "ann"   |
      | Limit                  | 2       |
    Then there is more
    When I query "visits" for what follows, with
      | KeyConditionExpression | #u = :u |
      | #u                     | user    |
      | :u                     | "ann"   |
      | Limit                  | 2       |
    Then I get the items
      """
      {"user": "ann", "at": 10, "page": "home"}
      """
    And there is no more

  Scenario: A filter hides what was read all the same
    When I scan "visits" with
      | FilterExpression | page = :p |
      | :p               | "cart"    |
    Then I get the items
      """
      {"user": "ann", "at": 2, "page": "cart"}
      """
    And 1 of 4 items matched

  Scenario: An index holds items that were there before it, and follows each change
    When I add an index "pages" to "visits" on "page" and "at" (N), KEYS_ONLY
    And I put into "visits" {"user": "cat", "at": 1, "page": "home", "from": "mail"}
    And I delete from "visits" {"user": "ben", "at": 3}
    And I query "visits" with
      | IndexName              | pages     |
      | KeyConditionExpression | page = :p |
      | :p                     | "home"    |
    Then I get the items
      """
      {"user": "ann", "at": -5, "page": "home"}
      {"user": "cat", "at": 1, "page": "home"}
      {"user": "ann", "at": 10, "page": "home"}
      """

  Scenario: A key condition names the partition key
    When I query "visits" with
      | KeyConditionExpression | #at = :at |
      | #at                    | at        |
      | :at                    | 1         |
    Then the call fails with "ValidationException", saying
      """
      Query condition missed key schema element: user
      """

  Scenario: What no expression uses is refused
    When I query "visits" with
      | KeyConditionExpression | #u = :u |
      | #u                     | user    |
      | :u                     | "ann"   |
      | :v                     | "ben"   |
    Then the call fails with "ValidationException", saying
      """
      Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}
      """
