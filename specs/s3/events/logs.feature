Feature: Access logs
  A bucket that is logged has its requests told in objects of another bucket, in AWS's form, some minutes later.

  Background:
    Given a bucket "shop"
    And a bucket "logs"

  Scenario: Each request is a line
    Given the bucket "shop" is logged in "logs" under "shop/"
    When I put "a b" into the bucket "shop" saying "hello"
    And I copy "a b" to "c" in the bucket "shop"
    And I get "a b" from the bucket "shop"
    And I get "nothing" from the bucket "shop"
    Then the call fails with "NoSuchKey"
    When I list the bucket "shop" to its log
    Then the bucket "logs" holds nothing
    When 5 minutes pass
    Then the log under "shop/" in the bucket "logs" tells
      | REST.PUT.LOGGING_STATUS | -       | 200 | -         | - |
      | REST.PUT.OBJECT         | a%20b   | 200 | -         | 5 |
      | REST.COPY.OBJECT        | c       | 200 | -         | - |
      | REST.GET.OBJECT         | a%20b   | 200 | -         | 5 |
      | REST.GET.OBJECT         | nothing | 404 | NoSuchKey | - |
      | REST.GET.BUCKET         | -       | 200 | -         | - |

  Scenario: Requests to other buckets are not told
    Given the bucket "shop" is logged in "logs" under "shop/"
    And a bucket "other"
    When I put "a" into the bucket "other"
    And 5 minutes pass
    Then the log under "shop/" in the bucket "logs" tells
      | REST.PUT.LOGGING_STATUS | - | 200 | - | - |

  Scenario: Logs may lie in folders by day
    Given the bucket "shop" is logged in "logs" under "all/" by the day of delivery
    When I put "a" into the bucket "shop"
    And 5 minutes pass
    Then the log under "all/000000000000/us-east-1/shop/2026/01/01/" in the bucket "logs" tells
      | REST.PUT.LOGGING_STATUS | - | 200 | - | - |
      | REST.PUT.OBJECT         | a | 200 | - | 5 |

  Scenario: Logs end with their configuration
    Given the bucket "shop" is logged in "logs" under ""
    And the bucket "shop" is logged no more
    When I put "a" into the bucket "shop"
    And 5 minutes pass
    Then the bucket "logs" holds nothing
