Feature: Choosing a world
  Clients choose a world by the host of their endpoint, or by a header. Credentials and regions stay as they are.

  Background:
    Given a cloud with the queue "mail" that holds "rain"
    And a fork "test-1"
    And in "test-1" "snow" was sent to "mail"

  Scenario: By host
    Then in "test-1" the URL of "mail" has the host "test-1.localhost"
    And in "test-1" the queue "mail" gives "rain", "snow"

  Scenario: By header
    Then by its header, "test-1" has the queue "mail", which gives "rain", "snow"

  Scenario: The first world has a name too
    Then in "main" the URL of "mail" has the host "main.localhost"
    And in "main" the queue "mail" gives "rain"

  Scenario: A world that is not there is never taken for the first
    When in "tset-1" I ask for the queue "mail"
    Then the call fails with "UnknownWorld"
