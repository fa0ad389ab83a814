Feature: Streams
  A table tells what happens to its items, for a day.

  Background:
    Given a table "orders" with the key "id"

  Scenario: Every change is told, in order
    Given "orders" writes a stream of NEW_AND_OLD_IMAGES
    When I put into "orders" {"id": "a", "n": 1}
    And I put into "orders" {"id": "a", "n": 2}
    And I put into "orders" {"id": "a", "n": 2}
    And I delete from "orders" {"id": "a"}
    And I read the stream of "orders"
    Then the records are
      | INSERT | {"id": "a"} |                     | {"id": "a", "n": 1} |
      | MODIFY | {"id": "a"} | {"id": "a", "n": 1} | {"id": "a", "n": 2} |
      | REMOVE | {"id": "a"} | {"id": "a", "n": 2} |                     |

  Scenario: A stream may tell keys alone
    Given "orders" writes a stream of KEYS_ONLY
    When I put into "orders" {"id": "a", "n": 1}
    And I read the stream of "orders"
    Then the records are
      | INSERT | {"id": "a"} | | |

  Scenario: Records are gone after a day
    Given "orders" writes a stream of KEYS_ONLY
    When I put into "orders" {"id": "a"}
    And 1 day passes
    And I read the stream of "orders"
    Then there are no records

  Scenario: An iterator is good for a quarter of an hour
    Given "orders" writes a stream of KEYS_ONLY
    And I have an iterator of the stream of "orders"
    And 15 minutes have passed
    When I read with the iterator
    Then the call fails with "ExpiredIteratorException"

  Scenario: Items expire in DynamoDB's own name
    Given "orders" writes a stream of OLD_IMAGE
    And items of "orders" expire by "until"
    When I put into "orders" {"id": "a", "until": 1767225660}
    And I put into "orders" {"id": "b"}
    And 1 minute passes
    And I scan "orders"
    Then I get the items
      """
      {"id": "b"}
      """
    When I read the stream of "orders"
    Then the records are
      | INSERT | {"id": "a"} |                                  |  |                        |
      | INSERT | {"id": "b"} |                                  |  |                        |
      | REMOVE | {"id": "a"} | {"id": "a", "until": 1767225660} |  | dynamodb.amazonaws.com |

  Scenario: Times to live are changed at most once an hour
    Given items of "orders" expire by "until"
    When I let no items of "orders" expire by "until"
    Then the call fails with "ValidationException", saying
      """
      Time to live has been modified multiple times within a fixed interval
      """
    When 1 hour passes
    And I let no items of "orders" expire by "until"
    Then the call succeeds
