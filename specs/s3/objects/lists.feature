Feature: Lists
  Keys are one flat list in the order of their bytes; a delimiter makes folders of it.

  Background:
    Given a bucket "photos"
    And "2025/may/1.jpg" was put into the bucket "photos"
    And "2025/may/2.jpg" was put into the bucket "photos"
    And "2026/june/1.jpg" was put into the bucket "photos"
    And "index.html" was put into the bucket "photos"

  Scenario: A delimiter rolls up what has a prefix in common
    When I list the bucket "photos" with
      | Delimiter | / |
    Then I see the keys "index.html"
    And I see the prefixes "2025/", "2026/"

  Scenario: Within a prefix
    When I list the bucket "photos" with
      | Delimiter | /     |
      | Prefix    | 2025/ |
    Then I see the prefixes "2025/may/"

  Scenario: Page by page nothing is told twice
    When I list the bucket "photos" one at a time with
      | Delimiter | / |
    Then I see the keys "index.html"
    And I see the prefixes "2025/", "2026/"

  Scenario: From a key on
    When I list the bucket "photos" with
      | StartAfter | 2025/may/2.jpg |
    Then I see the keys "2026/june/1.jpg", "index.html"
