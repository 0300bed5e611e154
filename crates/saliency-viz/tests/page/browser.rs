//! A page in a browser.

use std::path::Path;
use std::sync::{Arc, Mutex};

use headless_chrome::browser::{Tab, default_executable};
use headless_chrome::protocol::cdp::types::Event;
use headless_chrome::protocol::cdp::{Emulation, Network, Page as PageProtocol};
use headless_chrome::{Browser, LaunchOptions};

/// A page in a browser, with its requests and complaints.
pub(crate) struct Opened {
    _browser: Browser,
    pub(crate) tab: Arc<Tab>,
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
    pub(crate) complaints: Arc<Mutex<Vec<String>>>,
}

/// Opens a page. Returns `None` if this machine has no browser.
pub(crate) fn open(html: &str) -> Option<Opened> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("<b>page #1.html"), html).unwrap();
    open_address(&format!("file://{}/%3Cb%3Epage%20%231.html", folder.path().display()))
}

/// Opens a page by its address. Returns `None` if this machine has no browser.
pub(crate) fn open_address(address: &str) -> Option<Opened> {
    let Ok(path) = default_executable() else {
        println!("left out: no Chromium on this machine");
        return None;
    };
    let options = LaunchOptions::default_builder()
        .path(Some(path))
        .sandbox(false)
        .window_size(Some((1280, 1600)))
        .build()
        .unwrap();
    let browser = Browser::new(options).unwrap();
    let tab = browser.new_tab().unwrap();
    let (requests, complaints) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<Mutex<Vec<_>>>::default());
    let (asked, complained) = (requests.clone(), complaints.clone());
    tab.add_event_listener(Arc::new(move |event: &Event| match event {
        Event::NetworkRequestWillBeSent(event) => {
            asked.lock().unwrap().push(event.params.request.url.clone());
        }
        Event::RuntimeConsoleAPICalled(event) => {
            complained.lock().unwrap().push(format!("{:?}", event.params));
        }
        Event::RuntimeExceptionThrown(event) => {
            complained.lock().unwrap().push(format!("{:?}", event.params));
        }
        Event::LogEntryAdded(event) => {
            complained.lock().unwrap().push(event.params.entry.text.clone());
        }
        _ => {}
    }))
    .unwrap();
    tab.enable_runtime().unwrap();
    tab.enable_log().unwrap();
    tab.call_method(Network::Enable {
        max_total_buffer_size: None,
        max_resource_buffer_size: None,
        max_post_data_size: None,
        report_direct_socket_traffic: None,
        enable_durable_messages: None,
    })
    .unwrap();
    tab.navigate_to(address).unwrap().wait_until_navigated().unwrap();
    Some(Opened { _browser: browser, tab, requests, complaints })
}

impl Opened {
    /// Returns the value of an expression, as text.
    pub(crate) fn ask(&self, expression: &str) -> String {
        let value = self.tab.evaluate(&format!("String({expression})"), false).unwrap().value;
        value.unwrap().as_str().unwrap().to_owned()
    }

    pub(crate) fn press(&self, key: &str) {
        self.tab.press_key(key).unwrap();
    }

    /// Returns the map as it is drawn.
    pub(crate) fn drawn(&self) -> String {
        self.ask("document.getElementById('map').toDataURL()")
    }

    pub(crate) fn text(&self, id: &str) -> String {
        self.ask(&format!("document.getElementById('{id}').textContent"))
    }

    pub(crate) fn focus(&self, id: &str) {
        self.ask(&format!("document.getElementById('{id}').focus()"));
    }

    pub(crate) fn screenshot(&self, name: &str) {
        if let Some(folder) = std::env::var_os("SALIENCY_SCREENSHOTS") {
            let format = PageProtocol::CaptureScreenshotFormatOption::Png;
            let png = self.tab.capture_screenshot(format, None, None, true).unwrap();
            std::fs::write(Path::new(&folder).join(name), png).unwrap();
        }
    }

    /// Sets the width and height of the window, and whether people prefer dark pages.
    pub(crate) fn set_size(&self, [width, height]: [u32; 2], dark: bool) {
        self.tab
            .call_method(Emulation::SetDeviceMetricsOverride {
                width,
                height,
                device_scale_factor: 1.0,
                mobile: width < 600,
                scale: None,
                screen_width: None,
                screen_height: None,
                position_x: None,
                position_y: None,
                dont_set_visible_size: None,
                screen_orientation: None,
                viewport: None,
                display_feature: None,
                device_posture: None,
            })
            .unwrap();
        let feature = |value: &str| Emulation::MediaFeature {
            name: "prefers-color-scheme".to_owned(),
            value: value.to_owned(),
        };
        let features = Some(vec![feature(if dark { "dark" } else { "light" })]);
        self.tab.call_method(Emulation::SetEmulatedMedia { media: None, features }).unwrap();
    }

    /// Shows the page as it is printed, 794 pixels wide: a sheet of A4.
    pub(crate) fn set_print(&self) {
        self.set_size([794, 1123], false);
        let media = Emulation::SetEmulatedMedia { media: Some("print".to_owned()), features: None };
        self.tab.call_method(media).unwrap();
    }
}
